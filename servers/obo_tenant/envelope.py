"""The outside of a token endpoint's answer: trace id, correlation id, time, JSON error body."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse

from obo_tenant.clock import stamp
from obo_tenant.refusal import Refusal

_NO_STORE = MappingProxyType(
    {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is the same in every answer to one request."""

    trace_id: str
    correlation_id: str
    client_request_id: str | None
    timestamp: str

    @classmethod
    def of(cls, request: Request, now: float) -> "Envelope":
        """Echo the caller's `client-request-id` as correlation id, when it is a GUID."""
        sent = _guid(request.headers.get("client-request-id"))
        return cls(str(uuid4()), sent or str(uuid4()), sent, stamp(now))

    @property
    def headers(self) -> dict[str, str]:
        """The headers Entra adds to every answer."""
        return {
            **_NO_STORE,
            "x-ms-request-id": self.trace_id,
            "client-request-id": self.correlation_id,
        }

    def refused(self, refusal: Refusal) -> JSONResponse:
        """The JSON body and status of a refusal."""
        body = self.body(refusal.code, refusal.text, refusal.error, refusal.suberror)
        challenge = {"claims": refusal.claims} if refusal.claims else {}
        return JSONResponse(body | challenge, refusal.status, self.headers)

    def answered(self, body: Mapping[str, Any], extra: Mapping[str, str]) -> JSONResponse:
        """A 200 with `body`, and `extra` headers."""
        return JSONResponse(dict(body), 200, {**self.headers, **extra})

    def body(self, code: int, text: str, error: str, suberror: str | None) -> dict[str, Any]:
        """The members of Entra's error body (OAuth 2.0 OBO page, "Error response example")."""
        body: dict[str, Any] = {
            "error": error,
            "error_description": self.describe(code, text),
            "error_codes": [code],
            "timestamp": self.timestamp,
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={code}",
        }
        return body | ({"suberror": suberror} if suberror else {})

    def describe(self, code: int, text: str) -> str:
        """The `error_description` line."""
        return (
            f"AADSTS{code}: {text} Trace ID: {self.trace_id}"
            f" Correlation ID: {self.correlation_id} Timestamp: {self.timestamp}"
        )


def _guid(value: str | None) -> str | None:
    try:
        return str(UUID(value)) if value else None
    except ValueError:
        return None
