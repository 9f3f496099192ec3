"""What an authority publishes about itself: issuer and signing keys, for v1 and v2 tokens.

Entra signs v1 and v2 access tokens under different issuers, and each has its own discovery
document (Entra, "Access tokens: validate the issuer"). Documents are fetched from hosts of the
authority only, without following redirects, bounded in size and time.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from obo_mcp.errors import KeysUnavailable
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.encoding import json_object
from obo_mcp.inbound.jwk import verification_keys

MAX_DOCUMENT_BYTES = 256 * 1024
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


Published = Mapping[str, IssuerKeys]
"""`IssuerKeys` by the token version ("1.0", "2.0") that they sign."""


class AuthorityMetadata:
    """Fetches what the authority of one tenant publishes."""

    def __init__(self, authority: Authority, context: ssl.SSLContext) -> None:
        self._authority = authority
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
                *(self._json(http, f"{self._authority.url}{path}") for path in _DISCOVERY.values()),
                return_exceptions=True,
            )
            failures = [error for error in found if isinstance(error, Exception)]
            documents = self._usable(dict(zip(_DISCOVERY, found, strict=True)))
            issuers = frozenset(issuer for issuer, _ in documents.values())
            published = {}
            for version, (issuer, document) in documents.items():
                try:
                    jwks = await self._json(http, str(document.get("jwks_uri")))
                    published[version] = IssuerKeys(issuer, self._keys(jwks, issuers))
                except Exception as error:  # noqa: BLE001 - the other version may still be good
                    failures.append(error)
        if not published:
            raise KeysUnavailable from (failures[0] if failures else None)
        return MappingProxyType(published)

    def _usable(self, found: Mapping[str, Any]) -> Mapping[str, tuple[str, dict[str, Any]]]:
        """The documents that are there and speak of this tenant, with their issuers."""
        return {
            version: (issuer, document)
            for version, document in found.items()
            if isinstance(document, dict)
            and (issuer := self._authority.issuer(document.get("issuer")))
        }

    def _keys(self, jwks: Mapping[str, Any], issuers: frozenset[str]) -> Mapping[str, RSAPublicKey]:
        """The keys of this tenant: one that names another issuer never signs for it."""
        ours = {
            kid: found.key
            for kid, found in verification_keys(jwks).items()
            if found.issuer is None or self._authority.issuer(found.issuer) in issuers
        }
        if not ours:
            raise KeysUnavailable
        return MappingProxyType(ours)

    async def _json(self, http: httpx.AsyncClient, url: str) -> dict[str, Any]:
        if not self._authority.may_publish_keys_at(url):
            raise KeysUnavailable
        try:
            async with http.stream("GET", url) as response:
                if response.status_code != httpx.codes.OK:
                    raise KeysUnavailable
                return json_object(await _bounded(response))
        except (httpx.HTTPError, ValueError) as error:
            raise KeysUnavailable from error


async def _bounded(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise KeysUnavailable
    return body
