"""What lies in the key vault: a text, or a certificate with its private key."""

import base64
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
    pkcs12,
)

from obo_tenant.registered import RegisteredCertificate

PFX, PEM = "application/x-pkcs12", "application/x-pem-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultItem:
    """One version. `readers` are the short names of the applications that may have it, None all.

    `created` is in Unix seconds. With the content type of a certificate the value is that
    certificate with its key: a PFX without a password in base64, or PEM.
    """

    name: str
    value: str = field(repr=False)
    content_type: str | None
    certificate: RegisteredCertificate | None
    created: int
    enabled: bool = True
    readers: frozenset[str] | None = None
    version: str = field(default_factory=lambda: uuid4().hex)

    def readable_by(self, app: str) -> bool:
        """Whether the application of that short name may have it."""
        return self.readers is None or app in self.readers

    def as_secret(self, base_url: str) -> dict[str, Any]:
        """The answer of "Get Secret"."""
        body = {"value": self.value, "id": self._at(base_url, "secrets")}
        if self.content_type is not None:
            body["contentType"] = self.content_type
        of_certificate = {"kid": self._at(base_url, "keys"), "managed": True}
        managed = of_certificate if self.certificate else {}
        return {**body, "attributes": self._attributes(), **managed}

    def as_certificate(self, base_url: str) -> dict[str, Any]:
        """The answer of "Get Certificate", which it must be."""
        if self.certificate is None:
            raise LookupError("this item is no certificate")
        encoded = self.certificate.certificate.public_bytes(Encoding.DER)
        return {
            "id": self._at(base_url, "certificates"),
            "kid": self._at(base_url, "keys"),
            "sid": self._at(base_url, "secrets"),
            "x5t": self.certificate.sha1,
            "cer": base64.b64encode(encoded).decode("ascii"),
            "attributes": self._attributes(),
            "policy": {"secret_props": {"contentType": self.content_type}},
        }

    def _at(self, base_url: str, kind: str) -> str:
        return f"{base_url}/{kind}/{self.name}/{self.version}"

    def _attributes(self) -> dict[str, Any]:
        expiry = {"exp": int(self.certificate.expires_at)} if self.certificate else {}
        times = {"created": self.created, "updated": self.created}
        return {"enabled": self.enabled, **times, **expiry, "recoveryLevel": "Recoverable"}


class VaultItems:
    """Every item with its versions, the newest last."""

    def __init__(self) -> None:
        self._items: dict[str, OrderedDict[str, VaultItem]] = {}

    def put(self, item: VaultItem) -> None:
        """Make it the newest version."""
        self._items.setdefault(item.name.lower(), OrderedDict())[item.version] = item

    def get(self, name: str, version: str | None) -> VaultItem | None:
        """That version, or the newest; names are compared without case."""
        versions = self._items.get(name.lower(), OrderedDict())
        if version:
            return versions.get(version)
        return next(reversed(versions.values()), None)

    def remove(self, name: str) -> None:
        """Forget every version of it."""
        self._items.pop(name.lower(), None)


def certificate_in(value: str, content_type: str | None) -> RegisteredCertificate | None:
    """The certificate that a value with that content type holds; None if it is another kind.

    Raises:
        ValueError: there is none, none with an RSA key, or no private key beside it.
    """
    try:
        if content_type == PFX:
            key, found, _ = pkcs12.load_key_and_certificates(
                base64.b64decode(value, validate=True), None
            )
        elif content_type == PEM:
            key = load_pem_private_key(value.encode(), None)
            found = x509.load_pem_x509_certificate(value.encode())
        else:
            return None
    except (TypeError, UnsupportedAlgorithm) as reason:  # TypeError: the key has a password
        raise ValueError("it cannot be read") from reason
    if key is None or found is None:
        raise ValueError("it holds no certificate with a private key")
    return RegisteredCertificate.from_pem(found.public_bytes(Encoding.PEM).decode("ascii"))
