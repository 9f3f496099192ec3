"""Trouble on demand: the next answers of the token endpoint, the keys or Graph go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from uuid import uuid4

import anyio
from starlette.responses import JSONResponse, Response

from obo_tenant.clock import Clock, stamp

FaultPlace = Literal["token", "keys", "graph"]
_TOKEN_FAULTS = MappingProxyType(
    {
        400: ("invalid_grant", 50196),
        401: ("invalid_client", 7000215),
        429: ("temporarily_unavailable", 90055),
    }
)


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong, where, for whom (an oid, or None for everybody) and how many times more.

    With a `tenant_id` it strikes that tenant only (Graph is nobody's in particular).

    Without a `body` a status of None or 200 means: answer normally, with `headers` added.
    """

    where: FaultPlace
    oid: str | None = None
    tenant_id: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    count: int = 1
    delay_seconds: float = 0.0

    @property
    def place(self) -> tuple[FaultPlace, str | None, str | None]:
        """What it strikes: only one fault can be set for it."""
        return self.where, self.oid, self.tenant_id


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a fault does to one request: an answer instead of ours, or headers added to ours."""

    response: Response | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Faults:
    """The faults that are set; the most particular one strikes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set a fault; it replaces an earlier one for the same place, person and tenant."""
        self._faults = [old for old in self._faults if old.place != fault.place]
        self._faults.append(fault)

    def clear(self) -> None:
        """No more trouble."""
        self._faults = []

    async def strike(
        self, where: FaultPlace, oid: str | None, tenant_id: str | None = None
    ) -> Disturbance:
        """Use up one fault for a request of that person at that tenant, after its delay."""
        fault = self._take(where, oid, tenant_id)
        if fault is None:
            return Disturbance()
        if fault.delay_seconds:
            await anyio.sleep(fault.delay_seconds)
        if fault.body is None and fault.status in {None, 200}:
            return Disturbance(headers=fault.headers)
        return Disturbance(self._response(fault), fault.headers)

    def _take(self, where: FaultPlace, oid: str | None, tenant_id: str | None) -> Fault | None:
        candidates = [
            fault
            for fault in self._faults
            if fault.where == where
            and fault.oid in {None, oid}
            and fault.tenant_id in {None, tenant_id}
            and fault.count > 0
        ]
        if not candidates:
            return None
        fault = max(candidates, key=lambda each: (each.oid is not None, each.tenant_id is not None))
        fault.count -= 1
        if fault.count == 0:
            self._faults.remove(fault)
        return fault

    def _response(self, fault: Fault) -> Response:
        status = fault.status or 200
        shape = {"token": self._token_body, "graph": self._graph_body, "keys": _plain_body}
        body = shape[fault.where](status, fault.body)
        return JSONResponse(body, status, dict(fault.headers))

    def _token_body(self, status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if body is not None and "error" not in body:
            return body
        error, code = _TOKEN_FAULTS.get(status, ("temporarily_unavailable", 90033))
        given = dict(body or {"error": error})
        codes = given.get("error_codes") or [code]
        trace = {"trace_id": str(uuid4()), "correlation_id": str(uuid4())}
        now = stamp(self._clock())
        text = (
            f"AADSTS{codes[0]}: A switch of the local tenant asked for this answer. Trace ID:"
            f" {trace['trace_id']} Correlation ID: {trace['correlation_id']} Timestamp: {now}"
        )
        return {"error_description": text, "error_codes": codes, "timestamp": now, **trace, **given}

    def _graph_body(self, status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if body is not None:
            return body
        code = {429: "TooManyRequests", 503: "ServiceUnavailable"}.get(status, "UnknownError")
        date = stamp(self._clock()).replace(" ", "T").removesuffix("Z")
        inner = {"date": date, "request-id": str(uuid4())}
        return {"error": {"code": code, "message": "Please retry later.", "innerError": inner}}


def _plain_body(status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return body if body is not None else {"error": f"status {status}"}
