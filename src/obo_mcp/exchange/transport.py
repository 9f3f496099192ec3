"""HTTP for MSAL: bounded waits, typed failures, nothing shared between two people's requests."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import urllib3

from obo_mcp.errors import TokenEndpointThrottled, TokenEndpointUnavailable
from obo_mcp.exchange.cause import TransportFailure
from obo_mcp.exchange.credential_fault import ours
from obo_mcp.exchange.deadline import InTime
from obo_mcp.exchange.refusal import codes_in, is_passing, refusal
from obo_mcp.network import trusted_roots

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_RETRY_AFTER_SECONDS = 3600
DEFAULT_RETRY_AFTER_SECONDS = 5
MAX_ANSWER_BYTES = 1024 * 1024
CHUNK_BYTES = 16 * 1024


@dataclass(slots=True)
class Answer:
    """What MSAL reads of an HTTP answer. It holds no request, and so no assertion."""

    status_code: int
    text: str = field(repr=False)
    headers: dict[str, str]

    def raise_for_status(self) -> None:
        """Part of MSAL's protocol; client errors reach it here when no JSON error does.

        Raises:
            ValueError: the status is 400 or above.
        """
        if self.status_code >= requests.codes.bad_request:
            raise ValueError(f"HTTP {self.status_code}")


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
        adapter = InTime(timeout_seconds, pool_connections=4, pool_maxsize=connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._verify = trusted_roots(ca_bundle)
        self._seconds = timeout_seconds
        self._timeout = urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), total=timeout_seconds
        )

    def post(self, url: str, **options: Any) -> Answer:
        """POST, as MSAL's `http_client` protocol asks.

        Raises:
            Unavailable: no whole answer in time, 429, a server error, or no JSON object.
        """
        return self._send("POST", url, options)

    def get(self, url: str, **options: Any) -> Answer:
        """GET, as MSAL's `http_client` protocol asks. MSAL gets the authority's metadata so.

        Raises:
            ClientMisconfigured: the authority refuses with codes, which MSAL would make text of.
            Unavailable: no whole answer in time, 429, a server error, or no JSON object.
        """
        answer = self._send("GET", url, options)
        said = _object(answer.text) or {}
        if answer.status_code >= requests.codes.bad_request and codes_in(said):
            raise ours(refusal(said))
        return answer

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        if correlation_id := options.pop("correlation_id", ""):
            options["headers"] = {**options["headers"], "client-request-id": correlation_id}
        options |= {"timeout": self._timeout, "verify": self._verify, "allow_redirects": False}
        answer = _without_request(lambda: self._whole_answer(method, url, options))
        pause = asked_seconds(answer.headers.pop("retry-after", None))
        said = _object(answer.text)
        if answer.status_code == requests.codes.too_many_requests:
            raise _throttled(said, pause)
        if answer.status_code >= requests.codes.server_error:
            raise _unavailable(f"HTTP {answer.status_code}", pause, is_blip=pause is None)
        if said is None:
            raise _unavailable(f"HTTP {answer.status_code} without a JSON object")
        if answer.status_code >= requests.codes.bad_request and is_passing(said):
            raise refusal(said, retry_after_seconds=pause)
        return answer

    def _whole_answer(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        """The answer, whole within the time-out; what came late failed for no other reason."""
        end = time.monotonic() + self._seconds
        try:
            return self._read(method, url, options)
        except requests.ConnectionError:  # so requests calls a time-out within the body
            if time.monotonic() < end:
                raise
        raise requests.ReadTimeout

    def _read(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        body = b""
        with self._session.request(method, url, stream=True, **options) as response:
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise requests.ConnectionError
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, body.decode("utf-8", "replace"), headers)


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object that an answer is; MSAL would write anything else into its log."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No Authorization of our own; its presence keeps requests from reading netrc."""
    return request


def _without_request(send: Callable[[], Answer]) -> Answer:
    kind, is_blip = "", False
    try:
        return send()
    except (requests.RequestException, OSError) as error:
        kind = type(error).__name__
        is_blip = not isinstance(error, requests.Timeout | requests.exceptions.SSLError)
    raise _unavailable(kind, is_blip=is_blip)


def _throttled(said: dict[str, Any] | None, pause: int | None) -> TokenEndpointThrottled:
    error = TokenEndpointThrottled(retry_after_seconds=pause or DEFAULT_RETRY_AFTER_SECONDS)
    error.__cause__ = TransportFailure("HTTP 429", codes=codes_in(said or {}), asked_seconds=pause)
    return error


def _unavailable(
    why: str, pause: int | None = None, *, is_blip: bool = False
) -> TokenEndpointUnavailable:
    error = TokenEndpointUnavailable(retry_after_seconds=pause or DEFAULT_RETRY_AFTER_SECONDS)
    error.__cause__ = TransportFailure(why, asked_seconds=pause, is_blip=is_blip)
    return error


def asked_seconds(retry_after: str | None) -> int | None:
    """Delay-seconds of RFC 9110 section 10.2.3; anything else counts as five seconds."""
    if retry_after is None:
        return None
    if not retry_after.isascii() or not retry_after.isdigit():
        return DEFAULT_RETRY_AFTER_SECONDS
    return max(1, min(int(retry_after[:6]), MAX_RETRY_AFTER_SECONDS))
