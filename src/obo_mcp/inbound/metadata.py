"""What an authority publishes about itself: issuer and signing keys, for v1 and v2 tokens.

Entra signs v1 and v2 access tokens under different issuers, and each has its own discovery
document (Entra, "Access tokens: validate the issuer"). Documents are fetched from hosts of the
authority only, without following redirects, bounded in size and time.
"""

import asyncio
import ssl
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from obo_mcp.errors import KeysUnavailable
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.encoding import Unusable, json_object
from obo_mcp.inbound.jwk import verification_keys

MAX_DOCUMENT_BYTES = 256 * 1024
TIMEOUT_SECONDS = 5.0
ONE_STEP_SECONDS = 7.5
"""The longest that the documents, and after them the keys, may take: fifteen seconds in all."""
_DISCOVERY = {
    "1.0": "/.well-known/openid-configuration",
    "2.0": "/v2.0/.well-known/openid-configuration",
}
_UNCOMPRESSED = {"accept-encoding": "identity"}
"""A small body could unpack to a huge one before its size is known."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """One issuer and the keys it signs with, by `kid`."""

    issuer: str
    keys: Mapping[str, RSAPublicKey]


Published = Mapping[str, IssuerKeys]
"""`IssuerKeys` by the token version ("1.0", "2.0") that they sign."""


class AuthorityMetadata:
    """Fetches what the authority of one tenant publishes for tokens of `versions`."""

    def __init__(
        self,
        authority: Authority,
        context: ssl.SSLContext,
        versions: Iterable[str] = tuple(_DISCOVERY),
    ) -> None:
        self._authority = authority
        self._context = context
        self._versions = tuple(versions)

    async def fetch(self) -> Published:
        """The discovery documents of the token versions, and the keys they point to.

        A version whose documents cannot be used is left out, as long as another can.

        Raises:
            KeysUnavailable: none is reachable in fifteen seconds and makes sense.
        """
        try:
            async with httpx.AsyncClient(
                verify=self._context, timeout=TIMEOUT_SECONDS, headers=_UNCOMPRESSED
            ) as http:
                return await self._fetch(http)
        except KeysUnavailable:
            raise
        except Exception as error:
            raise KeysUnavailable from error

    async def _fetch(self, http: httpx.AsyncClient) -> Published:
        documents, failures = await _each(
            {version: self._document(http, _DISCOVERY[version]) for version in self._versions}
        )
        issuers = frozenset(document.issuer for document in documents.values())
        published, more_failures = await _each(
            {version: self._published(http, d, issuers) for version, d in documents.items()}
        )
        if not published:
            raise KeysUnavailable from [*more_failures, *failures][0]
        return MappingProxyType(published)

    async def _document(self, http: httpx.AsyncClient, path: str) -> "_Document":
        document = await self._json(http, f"{self._authority.url}{path}")
        issuer, jwks_uri = self._authority.issuer(document.get("issuer")), document.get("jwks_uri")
        if issuer is None or not isinstance(jwks_uri, str):
            raise Unusable("the document is another tenant's, or none")
        return _Document(issuer, jwks_uri)

    async def _published(
        self, http: httpx.AsyncClient, document: "_Document", issuers: frozenset[str]
    ) -> IssuerKeys:
        """The keys of this tenant: one that names another tenant's issuer never signs for it."""
        found = verification_keys(await self._json(http, document.jwks_uri))
        keys = {
            kid: entry.key
            for kid, entry in found.items()
            if entry.issuer is None or self._authority.owns(entry.issuer, issuers)
        }
        if not keys:
            raise Unusable("the keys are another tenant's")
        return IssuerKeys(document.issuer, MappingProxyType(keys))

    async def _json(self, http: httpx.AsyncClient, url: str) -> dict[str, Any]:
        if not self._authority.may_publish_keys_at(url):
            raise Unusable("the keys are on a host that is not the authority's")
        async with http.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise Unusable(f"answered with status {response.status_code}")
            if "content-encoding" in response.headers:
                raise Unusable("the answer is compressed")
            return json_object(await _bounded(response))


class _Document(NamedTuple):
    issuer: str
    jwks_uri: str


async def _each(
    work: Mapping[str, Coroutine[Any, Any, _T]],
) -> tuple[dict[str, _T], list[BaseException]]:
    """What came of each in time, and why the others did not."""
    found = await asyncio.gather(*map(_in_time, work.values()), return_exceptions=True)
    named = list(zip(work, found, strict=True))
    done = {name: result for name, result in named if not isinstance(result, BaseException)}
    return done, [result for _, result in named if isinstance(result, BaseException)]


async def _in_time(work: Coroutine[Any, Any, _T]) -> _T:
    async with asyncio.timeout(ONE_STEP_SECONDS):
        return await work


async def _bounded(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise Unusable("the answer is longer than 256 KiB")
    return body
