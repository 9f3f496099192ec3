"""What an authority publishes about itself: issuer and signing keys, for v1 and v2 tokens.

Entra signs v1 and v2 access tokens under different issuers, and each has its own discovery
document (Entra, "Access tokens: validate the issuer"). Documents are fetched from the authority's
own host only, without following redirects, bounded in size and time.
"""

import asyncio
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
WHOLE_FETCH_SECONDS = 15.0
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
        self._tenant = authority.rpartition("/")[2]
        self._context = context

    async def fetch(self) -> Published:
        """The discovery documents of both token versions, and the keys they point to.

        A version whose documents cannot be used is left out, as long as the other can.

        Raises:
            KeysUnavailable: neither is reachable in fifteen seconds and makes sense.
        """
        try:
            async with asyncio.timeout(WHOLE_FETCH_SECONDS):
                return await self._fetch()
        except KeysUnavailable:
            raise
        except Exception as error:
            raise KeysUnavailable from error

    async def _fetch(self) -> Published:
        async with httpx.AsyncClient(verify=self._context, timeout=TIMEOUT_SECONDS) as http:
            found = await asyncio.gather(
                *(self._json(http, f"{self._authority}{path}") for path in _DISCOVERY.values()),
                return_exceptions=True,
            )
            documents = {
                version: document
                for version, document in zip(_DISCOVERY, found, strict=True)
                if isinstance(document, dict) and isinstance(document.get("issuer"), str)
            }
            issuers = frozenset(document["issuer"] for document in documents.values())
            published, failures = {}, [e for e in found if isinstance(e, Exception)]
            for version, document in documents.items():
                try:
                    jwks = await self._json(http, _member(document, "jwks_uri", str))
                    keys = _signing_keys(jwks, issuers, self._tenant)
                except Exception as error:  # noqa: BLE001 - the other version may still be good
                    failures.append(error)
                else:
                    published[version] = IssuerKeys(document["issuer"], keys)
        if not published:
            raise KeysUnavailable from (failures[0] if failures else None)
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


def _signing_keys(
    document: Mapping[str, Any], issuers: frozenset[str], tenant: str
) -> Mapping[str, RSAPublicKey]:
    """RSA signing keys by `kid` (RFC 7517 section 4); entries of another kind are passed over.

    Entra names the issuer of each key, with `{tenantid}` where any tenant may stand; a key of an
    issuer that is none of `issuers` never signs for this tenant.
    """
    keys: dict[str, RSAPublicKey] = {}
    for entry in _member(document, "keys", list):
        if not isinstance(entry, dict) or not _signs(entry, issuers, tenant):
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


def _signs(entry: Mapping[str, Any], issuers: frozenset[str], tenant: str) -> bool:
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return False
    issuer = entry.get("issuer")
    return issuer is None or str(issuer).replace("{tenantid}", tenant) in issuers


def _public_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS else None
