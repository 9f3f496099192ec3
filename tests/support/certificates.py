"""Certificates and their keys, in the files that a client credential comes in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from support.tokens import NOW

_TODAY = datetime.fromtimestamp(NOW, UTC)


def certificate(
    key: Any,
    *,
    name: str = "client",
    signed_by: Any = None,
    begins: datetime = _TODAY - timedelta(days=1),
    ends: datetime = _TODAY + timedelta(days=365),
) -> x509.Certificate:
    """A certificate for `key`: self-signed, or signed by the key of one named `issuing`."""
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("issuing" if signed_by else name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(signed_by or key, SHA256())
    )


def pem(
    *certificates: x509.Certificate,
    of: Any = None,
    password: str | None = None,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> bytes:
    """A PEM file: the key `of`, if any, and then the certificates in their order."""
    key = of.private_bytes(Encoding.PEM, form, _locked(password)) if of else b""
    return key + b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def pfx(*certificates: x509.Certificate, of: Any, password: str | None = None) -> bytes:
    """A PKCS #12 file: the key `of`, its certificate, and the others of the chain."""
    leaf, *others = certificates
    how = _locked(password)
    return pkcs12.serialize_key_and_certificates(b"client", of, leaf, others or None, how)


def _locked(password: str | None) -> Any:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
