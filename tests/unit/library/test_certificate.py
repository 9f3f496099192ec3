"""The certificate as client credential: what is refused at start, and what MSAL makes of it."""

import base64
import hashlib
import logging
import os
from datetime import UTC, datetime, timedelta

import msal
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from obo_mcp.errors import ConfigurationError
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.certificate import CertificateFile
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from obo_mcp.secret import Secret
from support.certificates import certificate, pem, pfx
from support.clock import ManualClock
from support.linked import held, linked
from support.tokens import CLIENT, NOW, TENANT, key
from support.wire import AUTHORITY, Wire, header_of, payload_of

OURS = key("certificate")
LEAF = certificate(OURS)
ISSUING = certificate(key("issuing"), name="issuing")
CHAINED = certificate(OURS, signed_by=key("issuing"))
PASSWORD = "correct horse battery"
DAY = timedelta(days=1)


@pytest.fixture
def clock():
    return ManualClock(float(NOW))


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


def credential(tmp_path, octets, clock=None, *, password=None, send_chain=False):
    path = tmp_path / "certificate"
    path.write_bytes(octets)
    secret = Secret(password) if password else None
    return CertificateFile(
        path, secret, send_chain=send_chain, clock=clock or ManualClock(float(NOW))
    )


def assertion(value):
    """The client assertion that MSAL sends for this credential."""
    wire = Wire()
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    applications = Applications(
        CLIENT,
        lambda tenant: value,
        authority_host=AUTHORITY,
        transport=wire.at(transport),
        token_cache=msal.TokenCache,
    )
    applications.of(TENANT).acquire_token_for_client(["api://x/.default"])
    (form,) = wire.forms
    assert "client_secret" not in form
    return form["client_assertion"]


def thumbprint(cert):
    digest = hashlib.sha1(cert.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode()


FILES = {
    "pem": (pem(LEAF, of=OURS), None),
    "pem of openssl's older form": (
        pem(LEAF, of=OURS, form=PrivateFormat.TraditionalOpenSSL),
        None,
    ),
    "pem with the certificate first": (pem(LEAF) + pem(of=OURS), None),
    "pem with a locked key": (pem(LEAF, of=OURS, password=PASSWORD), PASSWORD),
    "pem in openssl's older form with a locked key": (
        pem(LEAF, of=OURS, password=PASSWORD, form=PrivateFormat.TraditionalOpenSSL),
        PASSWORD,
    ),
    "pem with an open key and a password too many": (pem(LEAF, of=OURS), PASSWORD),
    "pfx": (pfx(LEAF, of=OURS), None),
    "pfx with a password": (pfx(LEAF, of=OURS, password=PASSWORD), PASSWORD),
}


@pytest.mark.parametrize("kind", FILES)
def test_msal_signs_with_the_key_of_the_file_and_names_its_certificate(tmp_path, kind):
    octets, password = FILES[kind]
    jwt = assertion(credential(tmp_path, octets, password=password).current(TENANT))
    assert header_of(jwt) == {"typ": "JWT", "alg": "RS256", "x5t": thumbprint(LEAF)}
    claims = payload_of(jwt)
    assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)
    assert claims["aud"] == f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token_endpoint"
    signed, _, signature = jwt.rpartition(".")
    LEAF.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), signed.encode(), PKCS1v15(), SHA256()
    )


@pytest.mark.parametrize("octets", [pem(ISSUING, CHAINED, of=OURS), pfx(CHAINED, ISSUING, of=OURS)])
def test_the_chain_goes_along_when_asked_for_the_leaf_first(tmp_path, octets):
    jwt = assertion(credential(tmp_path, octets, send_chain=True).current(TENANT))
    header = header_of(jwt)
    assert (header["alg"], header["x5t"]) == ("RS256", thumbprint(CHAINED))
    expected = [base64.b64encode(each.public_bytes(Encoding.DER)) for each in (CHAINED, ISSUING)]
    assert [entry.encode() for entry in header["x5c"]] == expected
    without = header_of(assertion(credential(tmp_path, octets).current(TENANT)))
    assert "x5c" not in without


SHORT = generate_private_key(65537, 1024)
CURVE = ec.generate_private_key(ec.SECP256R1())
EXPIRED = certificate(
    OURS, ends=datetime(2026, 9, 1, tzinfo=UTC), begins=datetime(2026, 1, 1, tzinfo=UTC)
)
EARLY = certificate(OURS, begins=datetime(2027, 2, 3, tzinfo=UTC))
FAULTS = {
    "nothing": (b"", None, "neither PEM nor a PFX that opens without"),
    "noise": (b"\x30\x82noise", None, "neither PEM nor a PFX that opens without"),
    "no key": (pem(LEAF), None, "no private key"),
    "no key in a pfx": (pfx(LEAF, of=None), None, "no private key"),
    "no certificate": (pem(of=OURS), None, "no certificate in it, only a key"),
    "a locked key": (pem(LEAF, of=OURS, password=PASSWORD), None, "key is encrypted: set OBO_MCP_"),
    "a wrong password": (
        pem(LEAF, of=OURS, password=PASSWORD),
        "wrong-one",
        "does not open with OBO_MCP_CLIENT_CERTIFICATE_PASSWORD",
    ),
    "a locked pfx": (pfx(LEAF, of=OURS, password=PASSWORD), None, "opens without OBO_MCP_CLIENT"),
    "a pfx and a wrong password": (
        pfx(LEAF, of=OURS, password=PASSWORD),
        "wrong-one",
        "opens with OBO_MCP_CLIENT_CERTIFICATE_PASSWORD",
    ),
    "another's certificate": (pem(ISSUING, of=OURS), None, "do not belong together"),
    "an expired one": (pem(EXPIRED, of=OURS), None, "expired on 2026-09-01"),
    "one of the future": (pem(EARLY, of=OURS), None, "not valid before 2027-02-03"),
    "a short key": (
        pem(certificate(SHORT, signed_by=OURS), of=SHORT),
        None,
        "shorter than 2048 bits",
    ),
    "an elliptic curve": (
        pem(certificate(CURVE, signed_by=OURS), of=CURVE),
        None,
        "not an RSA key",
    ),
    "a cut key": (
        pem(LEAF, of=OURS).replace(b"PRIVATE KEY-----\nMII", b"PRIVATE KEY-----\nMMM", 1),
        None,
        "key cannot be read",
    ),
    "a cut certificate": (
        pem(LEAF, of=OURS).replace(b"CERTIFICATE-----\nMII", b"CERTIFICATE-----\nMMM", 1),
        None,
        "certificate in it cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_no_good_is_refused_at_start_in_one_line_that_names_the_setting(
    tmp_path, fault
):
    octets, password, words = FAULTS[fault]
    with pytest.raises(ConfigurationError, match=words) as caught:
        credential(tmp_path, octets, password=password)
    text = str(caught.value)
    assert text.startswith("OBO_MCP_CLIENT_CERTIFICATE_PATH: ")
    assert "\n" not in text
    assert "wrong-one" not in text
    assert str(tmp_path) not in text
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_refused_at_start(tmp_path):
    with pytest.raises(ConfigurationError, match="PATH: cannot be read"):
        CertificateFile(tmp_path / "gone", None, send_chain=False, clock=ManualClock())


def test_the_same_object_comes_until_the_file_holds_another_certificate(tmp_path, events):
    used = credential(tmp_path, pem(LEAF, of=OURS))
    first = used.current(TENANT)
    assert used.current("another tenant") is first
    touched = tmp_path / "certificate"
    os.utime(touched, ns=(1, 1))
    assert used.current(TENANT) is first
    successor = certificate(OURS)
    touched.write_bytes(pem(successor, of=OURS))
    second = used.current(TENANT)
    assert second is not first
    assert header_of(assertion(second))["x5t"] == thumbprint(successor)
    assert used.current(TENANT) is second
    assert [(e["event"], e["outcome"]) for e in events()] == [("credential", "renewed")]


def test_a_mounted_secret_that_is_replaced_by_a_link_is_seen(tmp_path):
    (tmp_path / "old").write_bytes(pem(LEAF, of=OURS))
    (tmp_path / "new").write_bytes(pem(certificate(OURS), of=OURS))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "old")
    used = CertificateFile(link, None, send_chain=False, clock=ManualClock(float(NOW)))
    first = used.current(TENANT)
    (tmp_path / "fresh").symlink_to(tmp_path / "new")
    (tmp_path / "fresh").replace(link)
    assert used.current(TENANT) is not first


@pytest.mark.parametrize("octets", [b"", pem(LEAF), pem(EXPIRED, of=OURS), None])
def test_a_changed_file_that_cannot_be_used_leaves_the_former_one_and_is_told_once(
    tmp_path, events, octets
):
    used = credential(tmp_path, pem(LEAF, of=OURS))
    first, path = used.current(TENANT), tmp_path / "certificate"
    path.unlink()
    if octets is not None:
        path.write_bytes(octets)
    assert used.current(TENANT) is first
    assert used.current(TENANT) is first
    (told,) = events()
    assert (told["outcome"], told["setting"]) == ("kept", "OBO_MCP_CLIENT_CERTIFICATE_PATH")
    path.write_bytes(pem(certificate(OURS), of=OURS))
    assert used.current(TENANT) is not first


def test_a_successor_whose_time_has_not_come_is_used_as_soon_as_it_has(tmp_path, events, clock):
    now = datetime.fromtimestamp(NOW, UTC)
    used = credential(tmp_path, pem(LEAF, of=OURS), clock)
    first = used.current(TENANT)
    successor = certificate(OURS, begins=now + timedelta(seconds=5))
    (tmp_path / "certificate").write_bytes(pem(successor, of=OURS))
    for _ in range(3):
        assert used.current(TENANT) is first
    clock.advance(4.9)
    assert used.current(TENANT) is first
    assert [told["outcome"] for told in events()] == ["kept"]
    clock.advance(0.1)
    second = used.current(TENANT)
    assert header_of(assertion(second))["x5t"] == thumbprint(successor)
    assert used.current(TENANT) is second
    assert [told["outcome"] for told in events()] == ["kept", "renewed"]


def test_a_successor_that_was_taken_away_before_its_time_is_forgotten(tmp_path, clock):
    now = datetime.fromtimestamp(NOW, UTC)
    used = credential(tmp_path, pem(LEAF, of=OURS), clock)
    first, path = used.current(TENANT), tmp_path / "certificate"
    path.write_bytes(pem(certificate(OURS, begins=now + timedelta(seconds=5)), of=OURS))
    used.current(TENANT)
    path.unlink()
    used.current(TENANT)
    clock.advance(60)
    assert used.current(TENANT) is first


@pytest.mark.parametrize("fault", ["a wrong password", "a cut key", "another's certificate"])
def test_nothing_of_a_file_hangs_on_its_failure(tmp_path, fault):
    octets, password, _ = FAULTS[fault]
    with pytest.raises(ConfigurationError) as caught:
        credential(tmp_path, octets, password=password)
    assert linked(caught.value) == [caught.value]
    assert "wrong-one" not in held(caught.value)
    assert "PRIVATE KEY" not in held(caught.value)


def test_the_last_thirty_days_are_told_once_a_day(tmp_path, events):
    clock = ManualClock(float(NOW))
    soon = certificate(OURS, ends=datetime.fromtimestamp(NOW, UTC) + 31 * DAY)
    used = credential(tmp_path, pem(soon, of=OURS), clock)
    used.current(TENANT)
    assert events() == []
    clock.advance(2 * 86_400)
    for _ in range(3):
        used.current(TENANT)
    (told,) = events()
    assert told["outcome"] == "expiring"
    assert f"{soon.not_valid_after_utc:%Y-%m-%d}" in told["cause"]
    clock.advance(86_400)
    used.current(TENANT)
    assert len(events()) == 2


def test_neither_key_nor_password_shows_in_a_repr(tmp_path):
    used = credential(tmp_path, pem(LEAF, of=OURS, password=PASSWORD), password=PASSWORD)
    used.refused()
    used.close()
    assert PASSWORD not in repr(vars(used))
    assert repr(used._used) == "Certificate()"
