"""Whom to trust on the way out."""

import ssl

import certifi
import pytest

from obo_mcp.network import tls_context, trusted_roots


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "roots.pem"
    path.write_text("".join(certifi.contents().split("-----END CERTIFICATE-----")[:1]))
    path.write_text(certifi.contents())
    return path


def test_the_configured_bundle_wins_over_every_variable(bundle):
    environ = {"REQUESTS_CA_BUNDLE": certifi.where(), "SSL_CERT_FILE": certifi.where()}
    assert trusted_roots(bundle, environ) == str(bundle)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_variables_of_corporate_networks_are_honoured(bundle, variable):
    assert trusted_roots(None, {variable: str(bundle)}) == str(bundle)


def test_a_variable_that_points_nowhere_is_passed_over(bundle):
    environ = {"REQUESTS_CA_BUNDLE": "/no/such/file", "SSL_CERT_FILE": str(bundle)}
    assert trusted_roots(None, environ) == str(bundle)


def test_without_any_of_them_certifis_roots_are_trusted():
    assert trusted_roots(None, {}) == certifi.where()


def test_a_context_verifies_names_and_chains(tmp_path):
    for environ in ({}, {"SSL_CERT_DIR": str(tmp_path)}):
        context = tls_context(None, environ)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_a_file_without_certificates_is_an_error(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(ssl.SSLError):
        tls_context(tmp_path / "empty.pem")
