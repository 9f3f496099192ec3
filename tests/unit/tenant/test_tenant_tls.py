import ssl
import stat

import httpx
import pytest

from obo_tenant.serve import LocalTenant
from obo_tenant.tls import make_certificates

NOW = 1_790_000_000.0


def strict(ca):
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_strict_client_trusts_the_tenant_by_its_ca(world, host):
    url = world.url.replace("localhost", host)
    with httpx.Client(verify=strict(world.local.ca_path), trust_env=False) as client:
        assert client.get(f"{url}/_tenant/").status_code == 200


def test_a_client_without_the_ca_does_not_connect(world):
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(verify=empty, trust_env=False) as client, pytest.raises(httpx.ConnectError):
        client.get(f"{world.url}/_tenant/")


def test_the_ca_is_kept_between_runs_and_its_key_is_private(tmp_path):
    first = make_certificates(tmp_path, NOW)
    before = first.ca.read_bytes()
    server = first.server.read_bytes()
    second = make_certificates(tmp_path, NOW + 60)
    assert second.ca.read_bytes() == before
    assert second.server.read_bytes() != server
    for name in ("ca-key.pem", "server-key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_ca_near_its_end_is_replaced(tmp_path):
    before = make_certificates(tmp_path, NOW).ca.read_bytes()
    nearly_ten_years = 3600 * 24 * 3500
    assert make_certificates(tmp_path, NOW + nearly_ten_years).ca.read_bytes() != before


def test_a_broken_ca_is_reported_and_not_overwritten(tmp_path):
    make_certificates(tmp_path, NOW)
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(ValueError, match="cannot be read"):
        make_certificates(tmp_path, NOW)
    assert (tmp_path / "ca.pem").read_text() == "not a certificate"


def test_a_ca_with_a_strangers_key_is_reported(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    make_certificates(ours, NOW)
    make_certificates(theirs, NOW)
    (theirs / "ca-key.pem").replace(ours / "ca-key.pem")
    with pytest.raises(ValueError, match="do not belong together"):
        make_certificates(ours, NOW)


def test_certificates_without_a_state_folder_are_gone_afterwards():
    with LocalTenant() as local:
        folder = local.ca_path.parent
        assert folder.is_dir()
    assert not folder.exists()


def test_a_state_folder_outlives_the_tenant(tmp_path):
    with LocalTenant(state_dir=tmp_path) as local:
        first = local.ca_path.read_bytes()
    with LocalTenant(state_dir=tmp_path) as local:
        assert local.ca_path.read_bytes() == first
