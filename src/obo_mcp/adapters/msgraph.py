"""msgraph-sdk: a typed Graph client whose every request goes out as the caller.

For code that wants the SDK's models. They are convenient and slow: a page of ten messages takes
28 ms of CPU, 0.65 ms as plain JSON (docs/decisions/0006-graph.md).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Protocol

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.request_information import RequestInformation
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware import (
    BaseMiddleware,
    ParametersNameDecodingHandler,
    RedirectHandler,
    UrlReplaceHandler,
)
from kiota_http.middleware.options import UrlReplaceHandlerOption
from kiota_http.observability_options import ObservabilityOptions
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient

from obo_mcp.adapters.httpx import OnBehalfOfAuth

GRAPH_URL = "https://graph.microsoft.com"
_TIMEOUT = httpx.Timeout(connect=5, read=30, write=30, pool=5)


class Delegation(Protocol):
    """The part of `OnBehalfOf` that this needs."""

    def httpx_auth(self, scope: str, *, origin: str = "") -> OnBehalfOfAuth:
        """Requests to `origin` go out as the caller."""
        ...


@asynccontextmanager
async def graph_client(
    obo: Delegation,
    *,
    graph_url: str = GRAPH_URL,
    scope: str = f"{GRAPH_URL}/.default",
    verify: SSLContext | bool = True,
) -> AsyncIterator[GraphServiceClient]:
    """A typed Graph client for everybody, to open in a server's lifespan.

    Inside a request `await graph.me.get()` is the caller's. The caller is looked up when a request
    is sent, their token goes to `graph_url` alone (not to the host of a download or of a next
    link), and a claims challenge is answered with one new token. The SDK's retries are left out:
    they send a POST again after a failure that may have taken effect, and may wait for minutes.
    HTTP/1.1: connections that the service closes midway fail calls over HTTP/2 (encode/httpx
    3324). `verify` is httpx's.

    Raises (while entering):
        ValueError: `scope` is not one resource's, or `graph_url` is no https:// address, nor an
            http:// one of this machine.
    Raises (requests):
        OboError: nobody is signed in, the exchange was refused, or cannot be made now.
    """
    http = httpx.AsyncClient(
        auth=obo.httpx_auth(scope, origin=graph_url),
        verify=verify,
        timeout=_TIMEOUT,
        follow_redirects=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),  # many people, one jar
    )
    async with http:
        KiotaClientFactory.create_with_custom_middleware(_steps(), http)
        adapter = _Adapter(AnonymousAuthenticationProvider(), client=http)
        adapter.base_url = f"{graph_url.rstrip('/')}/v1.0"
        adapter.observability_options = ObservabilityOptions(include_euii_attributes=False)
        yield GraphServiceClient(request_adapter=adapter)


def _steps() -> list[BaseMiddleware]:
    me = options[UrlReplaceHandlerOption.get_key()]
    return [RedirectHandler(), ParametersNameDecodingHandler(), UrlReplaceHandler(me)]


class _Adapter(GraphRequestAdapter):
    """The SDK's adapter without its own answer to claims challenges: httpx's auth gave it."""

    async def retry_cae_response_if_required(
        self, resp: httpx.Response, _information: RequestInformation, _claims: str
    ) -> httpx.Response:
        """The answer as it came."""
        return resp
