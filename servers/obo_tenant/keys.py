"""The tenant's signing keys: two published, one of them signing, rolled on demand.

Several keys are always published and their order means nothing
(Entra, "Signing key rollover in the Microsoft identity platform").
"""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


@dataclass(frozen=True)
class SigningKey:
    """An RSA key and the self-signed certificate that names it."""

    private: RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @classmethod
    def generate(cls, now: float) -> "SigningKey":
        """A fresh 2048-bit key, its certificate valid for five years around `now`."""
        private = generate_private_key(public_exponent=65537, key_size=2048)
        return cls(private, _certify(private, now))

    @cached_property
    def kid(self) -> str:
        """The key id: as at Entra, the certificate's thumbprint."""
        thumbprint = self.certificate.fingerprint(
            hashes.SHA1()  # noqa: S303 - x5t is a SHA-1 thumbprint by definition, RFC 7517 4.8
        )
        return base64url(thumbprint)

    def jwk(self, issuer: str) -> dict[str, Any]:
        """The public half as Entra publishes it (RFC 7517), with its `issuer` member."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
            "x5c": [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii")],
            "issuer": issuer,
        }


class KeyRing:
    """The published keys, oldest first; the newest one signs.

    They are made when first needed, as that takes a while and few ever meet the neighbour's.
    """

    def __init__(self, now: float) -> None:
        self._published: tuple[SigningKey, ...] = ()
        self._making = threading.Lock()
        self._now = now

    def __iter__(self) -> Iterator[SigningKey]:
        return iter(self.make())

    def make(self) -> tuple[SigningKey, ...]:
        """The published keys, made by now."""
        with self._making:
            if not self._published:
                self._published = (SigningKey.generate(self._now), SigningKey.generate(self._now))
            return self._published

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self.make()[-1]

    @cached_property
    def foreign(self) -> SigningKey:
        """A key that is never published: what it signs must be refused everywhere."""
        return SigningKey.generate(self._now)

    def find(self, kid: object) -> SigningKey | None:
        """The published key of that id."""
        return next((key for key in self._published if key.kid == kid), None)

    def rotate(self, now: float) -> None:
        """Drop the oldest key and sign with a new one from here on."""
        self._published = (*self.make()[1:], SigningKey.generate(now))


def _integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _certify(private: RSAPrivateKey, now: float) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local tenant token signing")])
    moment = datetime.fromtimestamp(now, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=5 * 365))
        .sign(private, hashes.SHA256())
    )
