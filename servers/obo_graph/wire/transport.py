"""The one way out to Microsoft Graph.

msgraph-sdk's request adapter carries the request; we build the URL, and take the raw answer
back. A token travels as an argument until the SDK asks for it, and only towards Graph's origin.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import anyio
import httpx
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.request_option import RequestOption
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware import REQUEST_OPTIONS_KEY, BaseMiddleware
from kiota_http.middleware.options import ResponseHandlerOption
from kiota_http.observability_options import ObservabilityOptions
from msgraph.graph_request_adapter import GraphRequestAdapter

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer
from obo_graph.wire.origins import origin_of
from obo_graph.wire.packing import PACKING, UNPACKED, Unpacking
from obo_mcp import __version__

_ANSWER_BYTES = 8 * 1024 * 1024
_PREPARATION_SECONDS = 5
_TIMEOUT = httpx.Timeout(connect=5, read=30, write=30, pool=5)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=60)

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRequest:
    """A request to Graph. `path` begins with `/` and its ids are percent-encoded already.

    An answer of more than `max_answer_bytes` is broken off.
    """

    method: HttpMethod = "GET"
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    max_answer_bytes: int = _ANSWER_BYTES


def new_http_client(
    tls: SSLContext, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client for one event loop, shared by everybody: it keeps no cookie of anybody.

    HTTP/1.1 on purpose: at four requests per mailbox HTTP/2 gains nothing, and connections that
    the service closes mid-stream fail calls (encode/httpx 3324). `transport` replaces the network.
    """
    return httpx.AsyncClient(
        verify=tls,
        transport=transport,
        timeout=_TIMEOUT,
        limits=_LIMITS,
        follow_redirects=False,
        headers={"User-Agent": f"obo-mcp/{__version__}"},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
    )


class GraphTransport:
    """Sends requests to one Graph origin. Open it in the lifespan, use it inside."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._http: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def open(self, http: httpx.AsyncClient) -> AsyncIterator[None]:
        """Send through `http` from now on, and close it in the end."""
        async with http:
            # No redirect step, as a token goes to one origin only; no URL replacing step, as we
            # write /me ourselves and it would put ids and search words into spans; no retry
            # step, as that one sends a POST again. Graph's own
            # factory (msgraph-core 1.5.2) forgets to close the connections.
            KiotaClientFactory.create_with_custom_middleware([_AnswerLimit()], http)
            self._http = http
            try:
                yield
            finally:
                self._http = None

    @property
    def http(self) -> httpx.AsyncClient:
        """The shared client, for what must travel without a token."""
        if self._http is None:
            raise RuntimeError("the Graph transport is used outside its lifespan")
        return self._http

    async def prepare(self) -> None:
        """Have a connection to Graph, and the SDK awake, before the first person waits for them.

        Asks for the service document, for which nobody has to sign in. Graph may be away: the
        first tool call will say so.
        """
        with anyio.move_on_after(_PREPARATION_SECONDS), suppress(GraphFailure):
            await self.send(GraphRequest(path="/"), "")

    async def send(self, request: GraphRequest, token: str) -> Answer:
        """Send `request` as the person whose downstream token is `token`.

        Raises:
            GraphFailure: no answer came (`unreachable`), or too much of one (`too_large`).
        """
        try:
            response = await self._adapter(token).send_primitive_async(
                self._information(request), "bytes", None
            )
        except httpx.HTTPError:
            raise GraphFailure(NO_ANSWER, "unreachable") from None
        if not isinstance(response, httpx.Response):
            raise TypeError("the SDK's native response option no longer returns the response")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)

    def _adapter(self, token: str) -> GraphRequestAdapter:
        # One adapter for each request costs 10 µs and leaves nothing that two people share.
        provider = _OneToken(token, self.origin)
        adapter = _Adapter(BaseBearerTokenAuthenticationProvider(provider), client=self.http)
        adapter.observability_options = ObservabilityOptions(include_euii_attributes=False)
        return adapter

    def _information(self, request: GraphRequest) -> RequestInformation:
        information = RequestInformation(Method(request.method))
        query = urlencode(request.query, quote_via=quote, safe="$")
        information.url = f"{self.origin}/v1.0{request.path}" + (f"?{query}" if query else "")
        for name, value in {**UNPACKED, **request.headers}.items():
            information.headers.add(name, value)
        information.content = request.body
        information.add_request_options(
            [ResponseHandlerOption(NativeResponseHandler()), _AnswerBytes(request.max_answer_bytes)]
        )
        return information


class _Adapter(GraphRequestAdapter):
    """The SDK's adapter without its own answer to claims challenges.

    That one reads the first challenge of a header only, and passes on neither what kind it is nor
    the header; `Access` answers them instead, once for a whole tool call.
    """

    async def retry_cae_response_if_required(
        self, resp: httpx.Response, _information: RequestInformation, _claims: str
    ) -> httpx.Response:
        """The answer as it came."""
        return resp


class _OneToken(AccessTokenProvider):
    """Hands one person's token to the SDK, for one origin."""

    def __init__(self, token: str, origin: str) -> None:
        self._token = token
        self._origin = origin

    async def get_authorization_token(
        self,
        uri: str,
        additional_authentication_context: dict[str, Any] | None = None,
    ) -> str:
        """The token, if `uri` is Graph's. There is no second one for a claims challenge here."""
        if additional_authentication_context:
            raise TypeError("the SDK answers claims challenges by itself again")
        if not origin_of(uri) or origin_of(uri) != origin_of(self._origin):
            raise GraphFailure(NO_ANSWER, "foreign_host")
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        """The SDK's own form of the same rule."""
        return AllowedHostsValidator([urlsplit(self._origin).hostname or ""])


class _AnswerBytes(RequestOption):
    """How long an answer to one request may be."""

    _KEY = "obo_graph.answer_bytes"

    def __init__(self, most: int) -> None:
        self.most = most

    @staticmethod
    def get_key() -> str:
        """Under which the SDK passes it on."""
        return _AnswerBytes._KEY

    @classmethod
    def of(cls, request: httpx.Request) -> int | None:
        """The limit for `request`; None for one that is not the adapter's, as a download."""
        options = request.extensions.get(REQUEST_OPTIONS_KEY) or {}
        option = options.get(cls._KEY)
        return option.most if isinstance(option, cls) else None


class _AnswerLimit(BaseMiddleware):
    """Breaks off an answer of Graph that is too large to hold in memory."""

    async def send(
        self, request: httpx.Request, transport: httpx.AsyncBaseTransport
    ) -> httpx.Response:
        most = _AnswerBytes.of(request)
        response = await super().send(request, transport)
        if most is not None and isinstance(response.stream, httpx.AsyncByteStream):
            # Without the header httpx takes the bytes as they are: it unpacks without a bound.
            encoding = response.headers.pop(PACKING, "")
            response.stream = _Limited(response.stream, encoding, most)
        return response


class _Limited(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, encoding: str, most: int) -> None:
        self._stream = stream
        self._encoding = encoding
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        unpacking = Unpacking(self._encoding, self._most)
        async for chunk in self._stream:
            yield unpacking.plain(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()
