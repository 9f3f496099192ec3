"""The certificates of the tenant's one origin: a CA made here, and a server certificate for it.

They pass strict verification (RFC 5280 4.2.1; the default of Python 3.13): critical basic
constraints and key usage, subject and authority key identifiers.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_ALWAYS = ("localhost", "127.0.0.1", "::1")
_CA_DAYS = 3650
_SERVER_DAYS = 365


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the PEM files lie. `ca` is the only one a client needs."""

    ca: Path
    server: Path
    server_key: Path


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_certificates(folder: Path, now: float, names: Iterable[str] = ()) -> Certificates:
    """Write a server certificate into `folder`, by the CA found there or by a new one.

    `now` is in Unix seconds; `names` are host names beside localhost, 127.0.0.1 and ::1.

    Raises:
        ValueError: the folder holds CA files that cannot be read as such.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.fromtimestamp(now, UTC)
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    authority = _kept_authority(files.ca, folder / "ca-key.pem", moment)
    if authority is None:
        authority = _new_authority(moment)
        files.ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        _write_key(folder / "ca-key.pem", authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _server_certificate(authority, key, moment, [*_ALWAYS, *names])
    files.server.write_bytes(certificate.public_bytes(Encoding.PEM))
    _write_key(files.server_key, key)
    return files


def _kept_authority(ca: Path, ca_key: Path, moment: datetime) -> _Authority | None:
    if not (ca.exists() and ca_key.exists()):
        return None
    try:
        certificate = x509.load_pem_x509_certificate(ca.read_bytes())
        key = load_pem_private_key(ca_key.read_bytes(), password=None)
    except (ValueError, TypeError) as cause:
        raise ValueError(f"{ca.parent} holds CA files that cannot be read; remove them") from cause
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != (
        certificate.public_key()
    ):
        raise ValueError(f"ca.pem and ca-key.pem in {ca.parent} do not belong together")
    fresh = certificate.not_valid_after_utc - moment > timedelta(days=_SERVER_DAYS)
    return _Authority(certificate, key) if fresh else None


def _new_authority(moment: datetime) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "obo-mcp local tenant CA")])
    builder = _builder(name, name, key, moment, _CA_DAYS)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _server_certificate(
    authority: _Authority, key: ec.EllipticCurvePrivateKey, moment: datetime, names: list[str]
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = _builder(subject, authority.certificate.subject, key, moment, _SERVER_DAYS)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    moment: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
