"""HTTP for MSAL: bounded waits, typed failures, nothing shared between two people's requests."""

from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from obo_mcp.errors import TokenEndpointThrottled, TokenEndpointUnavailable
from obo_mcp.network import trusted_roots

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_RETRY_AFTER_SECONDS = 3600
DEFAULT_RETRY_AFTER_SECONDS = 5


class TransportFailure(Exception):
    """Why an exchange got no answer: the kind of failure, without the request that failed.

    A requests exception holds its request, and that holds the assertion and our credential.
    """


class TokenEndpointTransport:
    """The `http_client` that MSAL sees; safe to use from many threads.

    Every exchange is answered by the wire, and by nothing that somebody else was answered:
    429 and server errors become exceptions, and no other answer carries a Retry-After into
    MSAL. Proxy variables are honoured; netrc, redirects and cookies are not.
    """

    def __init__(self, *, ca_bundle: Path | None, timeout_seconds: float, connections: int) -> None:
        self._session = requests.Session()
        self._session.auth = _as_it_is
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0)
        self._session.mount("https://", adapter)
        self._verify = trusted_roots(ca_bundle)
        self._timeout = (min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), timeout_seconds)

    def post(self, url: str, **options: Any) -> requests.Response:
        """POST, as MSAL's `http_client` protocol asks.

        Raises:
            Unavailable: no answer in time, 429 or a server error.
        """
        return self._send("POST", url, options)

    def get(self, url: str, **options: Any) -> requests.Response:
        """GET, as MSAL's `http_client` protocol asks.

        Raises:
            Unavailable: no answer in time, 429 or a server error.
        """
        return self._send("GET", url, options)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        if correlation_id := options.pop("correlation_id", ""):
            options["headers"] = {**options["headers"], "client-request-id": correlation_id}
        options |= {"timeout": self._timeout, "verify": self._verify, "allow_redirects": False}
        response = _without_request(lambda: self._session.request(method, url, **options))
        pause = _seconds(response.headers.pop("Retry-After", ""))
        if response.status_code == requests.codes.too_many_requests:
            raise TokenEndpointThrottled(retry_after_seconds=pause)
        if response.status_code >= requests.codes.server_error:
            raise _unavailable(f"HTTP {response.status_code}", pause)
        return response


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No Authorization of our own; its presence keeps requests from reading netrc."""
    return request


def _without_request(send: Callable[[], requests.Response]) -> requests.Response:
    kind = ""
    try:
        return send()
    except requests.RequestException as error:
        kind = type(error).__name__
    raise _unavailable(kind)


def _unavailable(why: str, pause: int = DEFAULT_RETRY_AFTER_SECONDS) -> TokenEndpointUnavailable:
    error = TokenEndpointUnavailable(retry_after_seconds=pause)
    error.__cause__ = TransportFailure(why)
    return error


def _seconds(retry_after: str) -> int:
    """Delay-seconds of RFC 9110 section 10.2.3; anything else counts as five seconds."""
    if not retry_after.isascii() or not retry_after.isdigit():
        return DEFAULT_RETRY_AFTER_SECONDS
    return max(1, min(int(retry_after[:6]), MAX_RETRY_AFTER_SECONDS))
