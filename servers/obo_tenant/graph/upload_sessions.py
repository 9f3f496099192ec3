"""Upload sessions: a large file comes in ranges, in order, at an address that needs no token.

Source: Graph "driveItem: createUploadSession" (upload bytes, resume, cancel, error cases).
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.graph.drive_changes import Touch, check_room, store_file
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.errors import GraphError, item_not_found
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.reach import Target
from obo_tenant.graph.trace import trace
from obo_tenant.graph.visit import Visit, json_response
from obo_tenant.graph.zones import utc_text

LIFETIME = timedelta(hours=24)
RANGE_UNIT = 327_680
LARGEST_RANGE = 60 * 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


@dataclass(slots=True, kw_only=True)
class Session:
    """One upload that is under way."""

    visit: Visit
    target: Target
    behaviour: str
    author: Address
    expires: datetime
    total: int | None = None
    received: bytearray = field(default_factory=bytearray)

    def status(self) -> dict[str, Any]:
        """What is still to come."""
        expected = [f"{len(self.received)}-"]
        return {
            "expirationDateTime": utc_text(self.expires),
            "nextExpectedRanges": expected,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSessions:
    """Opens sessions and takes the ranges. They live as long as the process at most."""

    drives: DriveRoutes
    origin: str
    clock: Callable[[], float]
    record: Callable[..., None]
    open: dict[str, Session] = field(default_factory=dict)

    def opened(
        self, visit: Visit, target: Target, behaviour: str, author: Address
    ) -> dict[str, Any]:
        """A new session, as the answer of createUploadSession."""
        self._forget_expired()
        token = secrets.token_urlsafe(32)
        session = Session(
            visit=visit,
            target=target,
            behaviour=behaviour,
            author=author,
            expires=(self._now() + LIFETIME).replace(microsecond=0),
        )
        self.open[token] = session
        return {"uploadUrl": f"{self.origin}/_upload/{token}", **session.status()}

    async def answer(self, request: Request) -> Response:
        """Take a range, tell the status or cancel; refusals in OneDrive's words."""
        started = self.clock()
        tracing = trace(request.headers.get("client-request-id"), started)
        session: Session | None = None
        code: str | None = None
        try:
            if "authorization" in request.headers:
                message = "The upload address carries its own permission; send no Authorization."
                raise _unauthenticated(message)
            session = self._session(request.path_params["token"])
            response = await self._served(request, session)
        except GraphError as refusal:
            code = refusal.code
            response = tracing.refusal(refusal)
        self.record(
            where="graph",
            method=request.method,
            path="/_upload/...",
            status=response.status_code,
            milliseconds=round((self.clock() - started) * 1000, 3),
            person=session.visit.owner.profile.oid if session else None,
            client_id=None,
            scope=None,
            client_request_id=tracing.client,
            error=code,
        )
        return tracing.mark(response)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def _forget_expired(self) -> None:
        now = self._now()
        for token in [token for token, each in self.open.items() if each.expires <= now]:
            del self.open[token]

    def _session(self, token: str) -> Session:
        self._forget_expired()
        session = self.open.get(token)
        if session is None:
            raise GraphError(404, "itemNotFound", "The upload session was not found")
        return session

    async def _served(self, request: Request, session: Session) -> Response:
        if request.method == "DELETE":
            del self.open[request.path_params["token"]]
            return Response(status_code=204)
        if request.method == "GET":
            return json_response(session.status())
        start, end, total = _claimed(request, session)
        content = await _range(request, end - start + 1)
        if start != len(session.received):
            raise _out_of_order(session)
        session.total = total
        session.received += content
        if len(session.received) < total:
            return json_response(session.status(), 202)
        try:
            response = self._finished(session)
        except GraphError:
            del session.received[start:]
            raise
        del self.open[request.path_params["token"]]
        return response

    def _finished(self, session: Session) -> Response:
        """The last range is in: the file appears, unless its name was taken meanwhile."""
        target = session.target
        if target.drive.with_key(target.parent.key) is None:
            raise item_not_found("drive")
        if not target.missing:
            taken = target.drive.child(target.parent, target.name)
            target = replace(target, taken=taken)
        item, new = store_file(
            target,
            bytes(session.received),
            session.behaviour,
            Touch(session.author, self._now().replace(microsecond=0)),
        )
        full = self.drives.full(session.visit, item, target.drive)
        context = session.visit.context(f"drives('{target.drive.drive_id}')/items/$entity")
        return json_response({"@odata.context": context, **full}, 201 if new else 200)


def _claimed(request: Request, session: Session) -> tuple[int, int, int]:
    """First and last byte and total of a range. Raises GraphError 400, 413, 416, 507."""
    found = _CONTENT_RANGE.fullmatch(request.headers.get("content-range", "").strip())
    if found is None:
        raise _invalid("The Content-Range header is missing or malformed.")
    start, end, total = (int(number) for number in found.groups())
    if end < start or end >= total or session.total not in (None, total):
        raise _invalid("The Content-Range header value is not possible for this file.")
    if end - start + 1 >= LARGEST_RANGE:
        raise GraphError(413, "requestEntityTooLarge", "A range must be smaller than 60 MiB.")
    if start != len(session.received):
        raise _out_of_order(session)
    if end + 1 < total and (end - start + 1) % RANGE_UNIT:
        raise _invalid("The size of every range but the last is a multiple of 320 KiB.")
    taken = session.target.taken
    check_room(session.target.drive, total - (taken.size if taken else 0))
    return start, end, total


async def _range(request: Request, size: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > size:
            break
    if len(content) != size:
        raise _invalid("The body has another length than its Content-Range says.")
    return bytes(content)


def _unauthenticated(message: str) -> GraphError:
    return GraphError(401, "unauthenticated", message)


def _out_of_order(session: Session) -> GraphError:
    return GraphError(
        416,
        "invalidRange",
        "The uploaded fragment overlaps with data that has already been received or is out of "
        f"order; the next one begins at {len(session.received)}.",
    )


def _invalid(message: str) -> GraphError:
    return GraphError(400, "invalidRequest", message)
