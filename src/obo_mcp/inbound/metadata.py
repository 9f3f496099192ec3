"""What an authority publishes about itself: issuer and signing keys, for v1 and v2 tokens.

Entra signs v1 and v2 access tokens under different issuers, and each has its own discovery
document (Entra, "Access tokens: validate the issuer"). Documents are fetched from the authority's
own host only, without following redirects, bounded in size and time.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from obo_mcp.errors import KeysUnavailable

MAX_DOCUMENT_BYTES = 256 * 1024
MIN_RSA_BITS = 2048
TIMEOUT_SECONDS = 5.0
_DISCOVERY = {
    "1.0": "/.well-known/openid-configuration",
    "2.0": "/v2.0/.well-known/openid-configuration",
}


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """One issuer and the keys it signs with, by `kid`."""

    issuer: str
    keys: Mapping[str, RSAPublicKey]


_T = TypeVar("_T")

Published = Mapping[str, IssuerKeys]
"""`IssuerKeys` by the token version ("1.0", "2.0") that they sign."""


class AuthorityMetadata:
    """Fetches what the authority of one tenant publishes."""

    def __init__(self, authority: str, context: ssl.SSLContext) -> None:
        self._authority = authority
        self._context = context

    async def fetch(self) -> Published:
        """Both discovery documents and the keys they point to.

        Raises:
            KeysUnavailable: not reachable, not JSON, too large, or pointing elsewhere.
        """
        async with httpx.AsyncClient(verify=self._context, timeout=TIMEOUT_SECONDS) as http:
            published = {}
            for version, path in _DISCOVERY.items():
                document = await self._json(http, f"{self._authority}{path}")
                published[version] = IssuerKeys(
                    issuer=_member(document, "issuer", str),
                    keys=_signing_keys(
                        await self._json(http, _member(document, "jwks_uri", str)),
                        issuer=_member(document, "issuer", str),
                    ),
                )
        return MappingProxyType(published)

    async def _json(self, http: httpx.AsyncClient, url: str) -> dict[str, Any]:
        if urlsplit(url)[:2] != urlsplit(self._authority)[:2]:
            raise KeysUnavailable
        try:
            async with http.stream("GET", url) as response:
                if response.status_code != httpx.codes.OK:
                    raise KeysUnavailable
                body = await _bounded(response)
        except httpx.HTTPError as error:
            raise KeysUnavailable from error
        try:
            document = json.loads(body)
        except ValueError:
            raise KeysUnavailable from None
        if not isinstance(document, dict):
            raise KeysUnavailable
        return document


async def _bounded(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise KeysUnavailable
    return body


def _member(document: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    value = document.get(name)
    if not isinstance(value, kind):
        raise KeysUnavailable
    return value


def _signing_keys(document: Mapping[str, Any], *, issuer: str) -> Mapping[str, RSAPublicKey]:
    """RSA signing keys by `kid` (RFC 7517 section 4); entries of another kind are passed over.

    Entra names the issuer of each key; a key of another issuer never signs for this one.
    """
    keys: dict[str, RSAPublicKey] = {}
    for entry in _member(document, "keys", list):
        if not isinstance(entry, dict) or entry.get("kty") != "RSA":
            continue
        if entry.get("use", "sig") != "sig" or entry.get("issuer", issuer) != issuer:
            continue
        kid, key = entry.get("kid"), _public_key(entry)
        if not isinstance(kid, str) or key is None:
            continue
        if kid in keys:
            raise KeysUnavailable
        keys[kid] = key
    if not keys:
        raise KeysUnavailable
    return MappingProxyType(keys)


def _public_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS else None
