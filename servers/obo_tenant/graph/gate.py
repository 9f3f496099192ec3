"""Every request passes here: token, path, mailbox limit, faults, scope, person; then the endpoint.

The requests inside a batch pass one by one, as if each had come alone.

A request that is refused is refused before any belongings of a person are touched.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio
from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.graph.errors import (
    Area,
    ClaimsChallenge,
    GraphError,
    delegated_only,
    denied,
    no_such_user,
    unauthenticated,
)
from obo_tenant.graph.inner import inner_request
from obo_tenant.graph.limits import MailboxSlots
from obo_tenant.graph.odata.options import parse_options
from obo_tenant.graph.paths import Target, find_target, loggable, shown_path, split_path
from obo_tenant.graph.prefer import parse_prefer
from obo_tenant.graph.quirks import Quirks
from obo_tenant.graph.store import (
    Belongings,
    Profile,
    Store,
    find_profile,
    oid_at,
    profile_of,
)
from obo_tenant.graph.trace import trace
from obo_tenant.graph.visit import Operation, Visit


class Disturbed(Protocol):
    """What a fault wants: an answer instead of Graph's own, or headers added to that."""

    @property
    def response(self) -> Response | None:
        """The answer to send; None to answer as always."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What to add to Graph's own answer, good or bad."""
        ...

    @property
    def after(self) -> bool:
        """Whether Graph does the work first, and only its answer is lost."""
        ...

    @property
    def late_seconds(self) -> float:
        """How long after that work the answer goes wrong."""
        ...


Fault = Callable[[str | None, str, str], Awaitable[Disturbed]]
"""Gets the caller's object id, the method, and the path as the log shows it."""

_EXCHANGE: frozenset[Area] = frozenset({"mail", "calendar"})


@dataclass(frozen=True, slots=True)
class Caller:
    """What a verified token says."""

    oid: str
    client_id: str
    scopes: frozenset[str]

    @property
    def profile(self) -> Profile:
        """Who that is in the directory."""
        return profile_of(self.oid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The door of `/v1.0`. See `routes.graph_routes` for the callables."""

    check_token: Callable[[str], Mapping[str, Any]]
    fault: Fault
    record: Callable[..., None]
    origin: str
    clock: Callable[[], float]
    store: Store
    slots: MailboxSlots
    operations: tuple[Operation, ...]
    quirks: Quirks = field(default_factory=Quirks)

    async def answer(self, request: Request) -> Response:
        """Answer one request, mark the answer and record it."""
        started = self.clock()
        tracing = trace(request.headers.get("client-request-id"), started)
        segments = split_path(_below_version(request))
        caller: Caller | None = None
        code: str | None = None
        try:
            caller = self._caller(request)
            response = await self._admit(caller, request, segments)
        except GraphError as refusal:
            code = refusal.code
            response = tracing.refusal(refusal)
        self.record(
            where="graph",
            method=request.method,
            path=loggable(_verb(request), segments, self.operations),
            status=response.status_code,
            milliseconds=round((self.clock() - started) * 1000, 3),
            person=caller.oid if caller else None,
            client_id=caller.client_id if caller else None,
            scope=" ".join(sorted(caller.scopes)) if caller else None,
            client_request_id=tracing.client,
            error=code,
        )
        return tracing.mark(response)

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise unauthenticated("Access token is empty.")
        try:
            claims = self.check_token(token.strip())
        except ClaimsChallenge as refusal:
            raise unauthenticated(str(refusal), refusal.claims) from None
        except PermissionError as refusal:
            raise unauthenticated(str(refusal)) from None
        return Caller(
            str(claims.get("oid", "")),
            str(claims.get("appid") or claims.get("azp") or ""),
            frozenset(str(claims.get("scp", "")).split()),
        )

    async def _admit(self, caller: Caller, request: Request, segments: tuple[str, ...]) -> Response:
        target = find_target(_verb(request), segments, self.operations)
        if not caller.scopes or not caller.oid:
            raise delegated_only()
        if target.operation.area not in _EXCHANGE:
            return await self._serve(caller, request, target)
        with self.slots.taken(caller.client_id, caller.oid):
            return await self._serve(caller, request, target)

    async def _serve(self, caller: Caller, request: Request, target: Target) -> Response:
        disturbed = await self.fault(caller.oid, _verb(request), shown_path(target))
        lost = disturbed.response
        if lost is not None and not disturbed.after:
            return lost
        try:
            response = await self._perform(caller, request, target)
        except GraphError as refusal:
            if lost is None:
                refusal.headers.update(disturbed.headers)
                raise
        else:
            if lost is None:
                response.headers.update(disturbed.headers)
                return response
        await anyio.sleep(disturbed.late_seconds)
        return lost

    async def _perform(self, caller: Caller, request: Request, target: Target) -> Response:
        needed = target.operation.scopes
        if needed and needed.isdisjoint(caller.scopes):
            raise denied(target.operation.area)
        other = _other(caller, target)
        prefer = parse_prefer(request.headers.getlist("prefer"))
        visit = Visit(
            owner=self.store.of(caller.oid),
            scopes=caller.scopes,
            variables=target.variables,
            options=parse_options(request.url.query),
            prefer=prefer,
            origin=self.origin,
            path=_raw_path(request),
            now=datetime.fromtimestamp(self.clock(), UTC),
            dispatch=lambda *step: self.answer(inner_request(request, *step)),
            addressee=lambda address: self._addressee(caller, address),
            person=other,
            quirks=self.quirks,
            body=await _body(request, target.operation.largest_body),
            headers=request.headers,
        )
        if target.operation.area == "mail":
            visit.owner.mailbox.tick()
        answer = target.operation.answer(visit)
        response = answer if isinstance(answer, Response) else await answer
        if prefer.applied and target.operation.area in _EXCHANGE:
            response.headers["Preference-Applied"] = prefer.applied
        return response

    def _addressee(self, caller: Caller, address: str) -> Belongings | None:
        if address.casefold() == caller.profile.address.casefold():
            return self.store.of(caller.oid)
        oid = oid_at(address)
        return self.store.of(oid) if oid else None


def _other(caller: Caller, target: Target) -> str | None:
    """Whom the path names instead of the caller, where the endpoint answers for others."""
    wanted = target.person
    if wanted is None:
        return None
    own = caller.profile
    if wanted.casefold() in (own.oid.casefold(), own.address.casefold()):
        return None
    if target.operation.for_others:
        return wanted
    area = target.operation.area
    raise denied(area) if find_profile(wanted, own.company) else no_such_user(area, wanted)


def _verb(request: Request) -> str:
    return "GET" if request.method == "HEAD" else request.method


async def _body(request: Request, largest: int) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > largest:
            raise GraphError(413, "RequestEntityTooLarge", "The request body is too large.")
    return bytes(received)


def _raw_path(request: Request) -> str:
    raw = request.scope.get("raw_path")
    if isinstance(raw, bytes):
        return raw.partition(b"?")[0].decode("latin-1")
    return request.url.path


def _below_version(request: Request) -> str:
    return _raw_path(request).removeprefix("/v1.0").lstrip("/")
