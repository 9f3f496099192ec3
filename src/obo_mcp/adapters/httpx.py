"""httpx: requests that go out as the person whose request is being served."""

from collections.abc import AsyncGenerator, Callable, Generator
from http import HTTPStatus

import httpx

from obo_mcp.environment import web_address
from obo_mcp.exchange.source import TokenSource


class OnBehalfOfAuth(httpx.Auth):
    """`httpx.AsyncClient(auth=...)` or one request's `auth=`: the caller's token, to one origin.

    The caller is looked up when a request is made, so one client serves everybody. A claims
    challenge of the resource is answered with exactly one new token; a second one is raised as
    InteractionRequired. Requests to any other origin go out without a token, and all without
    cookies: the client's jar would give one person's to the next.

    Raises:
        ValueError: `origin` is no https:// address, nor an http:// one of this machine.
    """

    def __init__(self, source: Callable[[], TokenSource], origin: str) -> None:
        self._source = source
        self._origin = _origin(httpx.URL(web_address(origin).geturl()))

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send `request` with the caller's token, and once more after a claims challenge.

        Raises:
            OboError: nobody is signed in, the exchange was refused, or cannot be made now.
        """
        request.headers.pop("cookie", None)
        if _origin(request.url) != self._origin:
            yield request
            return
        await request.aread()  # a streamed body can be sent once only
        source = self._source()
        token = await source.token()
        challenge = self._challenge((yield _with(request, token)))
        if not challenge or not (renewed := await source.renewed(token, challenge)):
            return
        if challenge := self._challenge((yield _with(request, renewed))):
            step_up = source.step_up(challenge)
            if step_up.claims:
                raise step_up

    def _challenge(self, response: httpx.Response) -> str:
        """What the resource itself refuses the token with; a host we were led to has no say."""
        ours = _origin(response.url) == self._origin
        if response.status_code != HTTPStatus.UNAUTHORIZED or not ours:
            return ""
        return str(response.headers.get("www-authenticate", ""))

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Not for blocking clients.

        Raises:
            RuntimeError: always; a downstream token is awaited.
        """
        raise RuntimeError("use httpx.AsyncClient: a downstream token is awaited")
        yield request


def _with(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token}"
    return request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    ports = {"https": 443, "http": 80}
    return url.scheme, url.host, url.port or ports.get(url.scheme)
