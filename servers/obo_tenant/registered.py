"""What applications have registered to prove who they are: secrets, certificates, trusted tokens.

Registered with the application, so at its home, and good at every tenant that it has a principal
in (Microsoft Graph resource types `passwordCredential`, `keyCredential` and
`federatedIdentityCredential`).
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from obo_tenant.apps import EXCHANGE_AUDIENCE, Application
from obo_tenant.keys import base64url

MOST_FEDERATED = 20
_FEWEST_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSecret:
    """A client secret; `expires_at` is in Unix seconds, None for one without an end."""

    value: str = field(repr=False)
    expires_at: float | None = None
    key_id: str = field(default_factory=lambda: str(uuid4()))

    def is_(self, presented: str) -> bool:
        """Whether `presented` is this one, without telling by the time it takes."""
        return hmac.compare_digest(self.value.encode(), presented.encode())

    def expired(self, now: float) -> bool:
        """Whether it has come to its end at `now` (Unix seconds)."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class RegisteredCertificate:
    """The public half of a key pair, known by its thumbprints (RFC 7515 sections 4.1.7, 4.1.8)."""

    certificate: x509.Certificate

    @classmethod
    def from_pem(cls, text: str) -> "RegisteredCertificate":
        """The first certificate of a PEM text. Raises ValueError unless its key is a good RSA."""
        try:
            certificate = x509.load_pem_x509_certificate(text.encode())
            key = certificate.public_key()
        except UnsupportedAlgorithm:
            raise ValueError("the certificate's key is of no known kind") from None
        if not isinstance(key, RSAPublicKey) or key.key_size < _FEWEST_BITS:
            raise ValueError("the certificate's key is not RSA, or too short")
        return cls(certificate)

    @property
    def public_key(self) -> Any:
        """The key to check signatures with."""
        return self.certificate.public_key()

    @cached_property
    def sha1(self) -> str:
        """The thumbprint as in `x5t`."""
        encoded = self.certificate.public_bytes(Encoding.DER)
        return base64url(hashlib.sha1(encoded, usedforsecurity=False).digest())

    @cached_property
    def sha256(self) -> str:
        """The thumbprint as in `x5t#S256`."""
        return base64url(self.certificate.fingerprint(hashes.SHA256()))

    @property
    def begins_at(self) -> float:
        """From when it is valid, in Unix seconds."""
        return self.certificate.not_valid_before_utc.timestamp()

    @property
    def expires_at(self) -> float:
        """Until when it is valid, in Unix seconds."""
        return self.certificate.not_valid_after_utc.timestamp()


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Trust in somebody else's token: all three must match it exactly, in their case too."""

    issuer: str
    subject: str
    audience: str = EXCHANGE_AUDIENCE


@dataclass(slots=True)
class Registered:
    """What one application has registered; its order is the order of registration."""

    secrets: list[RegisteredSecret] = field(default_factory=list)
    certificates: list[RegisteredCertificate] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)

    def usable_secret(self, now: float) -> str | None:
        """The first secret that has not expired."""
        return next((each.value for each in self.secrets if not each.expired(now)), None)

    def certificate_of(self, thumbprint: str) -> RegisteredCertificate | None:
        """The certificate of that SHA-1 or SHA-256 thumbprint, base64url without padding."""
        found = (each for each in self.certificates if thumbprint in {each.sha1, each.sha256})
        return next(found, None)


class Registrar:
    """The credentials of every application, by its client id."""

    def __init__(self, apps: Iterable[Application]) -> None:
        self._registered: defaultdict[str, Registered] = defaultdict(Registered)
        for app in apps:
            if app.secret is not None:
                self.of(app).secrets.append(RegisteredSecret(value=app.secret))

    def of(self, app: Application) -> Registered:
        """What that application has registered; change it in place."""
        return self._registered[app.client_id]
