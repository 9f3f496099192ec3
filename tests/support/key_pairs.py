"""Key pairs with self-signed certificates, in every form that a client credential comes in."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from obo_tenant.clock import SYSTEM_CLOCK


@dataclass(frozen=True)
class KeyPair:
    """A private key and the certificate that names it."""

    key: RSAPrivateKey
    certificate: x509.Certificate

    @cached_property
    def key_pem(self) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode("ascii")

    @cached_property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @cached_property
    def thumbprint(self) -> str:
        """SHA-1 in hexadecimal, as MSAL and the portal write it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex()

    @property
    def x5t(self) -> str:
        """SHA-1 as in a JOSE header, without padding."""
        return _base64url(self.certificate.fingerprint(hashes.SHA1()))

    @property
    def x5t_s256(self) -> str:
        """SHA-256 as in a JOSE header, without padding."""
        return _base64url(self.certificate.fingerprint(hashes.SHA256()))

    def pfx(self, password: str | None = None) -> bytes:
        how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"x", self.key, self.certificate, None, how)


def key_pair(*, begins_in_days: float = -1, ends_in_days: float = 30, bits: int = 2048) -> KeyPair:
    """A fresh RSA key with a certificate for those days, counted from today."""
    key = generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a client of the tests")])
    now = datetime.fromtimestamp(SYSTEM_CLOCK(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins_in_days))
        .not_valid_after(now + timedelta(days=ends_in_days))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
