"""Upload sessions for large attachments: the bytes come in parts, to an address of its own.

Whoever has the address may add to the one attachment it was made for; an access token there is
refused. Source: Graph "Attach large files to Outlook messages or events".
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from obo_tenant.graph.attachment_body import SMALL_BYTES, made_attachment
from obo_tenant.graph.errors import GraphError, bad_request, item_not_found
from obo_tenant.graph.gate import Fault
from obo_tenant.graph.given import as_number, as_object, as_text, one_of, read_object
from obo_tenant.graph.mail_lookup import message_of
from obo_tenant.graph.store import Belongings, Store
from obo_tenant.graph.trace import trace
from obo_tenant.graph.visit import Operation, Visit, json_response, operations
from obo_tenant.graph.zones import utc_text

PREFIX = "/_attach/"
_SHOWN_PATH = f"{PREFIX}..."
_LIFETIME_SECONDS = 3600
_LARGEST_BYTES = 150 * 1024 * 1024
_LARGEST_PART_BYTES = 4 * 1024 * 1024
_MOST_OPEN = 16
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


@dataclass(slots=True, kw_only=True)
class Session:
    """One upload under way, to a message of one person."""

    owner: Belongings
    message_id: str
    item: Mapping[str, Any]
    size: int
    expires_at: float
    content: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def expected(self) -> list[str]:
        """Where it goes on, without the dash that OneDrive writes."""
        return [str(len(self.content))]


class AttachmentUploads:
    """Makes and serves the sessions; `clock` gives Unix seconds. The newest sixteen are kept."""

    def __init__(
        self,
        *,
        store: Store,
        origin: str,
        clock: Callable[[], float],
        record: Callable[..., None],
        fault: Fault,
    ) -> None:
        self._store = store
        self._origin = origin
        self._clock = clock
        self._record = record
        self._fault = fault
        self._open: OrderedDict[str, Session] = OrderedDict()

    def operations(self) -> tuple[Operation, ...]:
        """The endpoint that makes sessions."""
        path = "messages/{message}/attachments/createUploadSession"
        return operations("mail", "Mail.ReadWrite", (path, self.create), method="POST")

    def routes(self) -> list[BaseRoute]:
        """Where the sessions are served."""
        return [Route(f"{PREFIX}{{token}}", self.answer, methods=("GET", "PUT", "DELETE"))]

    def create(self, visit: Visit) -> Response:
        """`POST .../attachments/createUploadSession`: 201 with the address."""
        message = message_of(visit)
        item = as_object(read_object(visit.body).get("AttachmentItem"))
        one_of(item.get("attachmentType"), ("file",))
        size = _size(item.get("size"))
        if not as_text(item.get("name"), longest=255):
            raise GraphError(400, "ErrorRequiredPropertyMissing", "Required property is missing.")
        token, expires_at = secrets.token_urlsafe(32), self._clock() + _LIFETIME_SECONDS
        self._open[token] = Session(
            owner=visit.owner,
            message_id=message.ids.immutable,
            item=item,
            size=size,
            expires_at=expires_at,
        )
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        shown = {
            "@odata.context": visit.context("microsoft.graph.uploadSession"),
            "uploadUrl": f"{self._origin}{PREFIX}{token}",
            "expirationDateTime": utc_text(datetime.fromtimestamp(expires_at, UTC)),
            "nextExpectedRanges": ["0-"],
        }
        return json_response(shown, 201)

    async def answer(self, request: Request) -> Response:
        """Serve an address, or say in Graph's words why not."""
        started = self._clock()
        tracing = trace(request.headers.get("client-request-id"), started)
        session, code = self._open.get(request.path_params["token"]), None
        try:
            response = await self._served(request, session)
        except GraphError as refusal:
            code, response = refusal.code, tracing.refusal(refusal)
        self._record(
            where="graph",
            method=request.method,
            path=_SHOWN_PATH,
            status=response.status_code,
            milliseconds=round((self._clock() - started) * 1000, 3),
            person=session.owner.profile.oid if session else None,
            client_id=None,
            scope=None,
            client_request_id=tracing.client,
            error=code,
        )
        return tracing.mark(response)

    async def _served(self, request: Request, session: Session | None) -> Response:
        if "authorization" in request.headers:
            raise GraphError(
                401, "InvalidMsaDeviceToken", "The address carries its own permission."
            )
        if session is None or session.expires_at <= self._clock():
            raise item_not_found("mail")
        disturbed = await self._fault(session.owner.profile.oid, request.method, _SHOWN_PATH)
        if disturbed.response is not None and not disturbed.after:
            return disturbed.response
        response = await self._done(request, session)
        response.headers.update(disturbed.headers)
        if disturbed.response is None:
            return response
        await anyio.sleep(disturbed.late_seconds)
        return disturbed.response

    async def _done(self, request: Request, session: Session) -> Response:
        token = request.path_params["token"]
        if request.method == "DELETE":
            del self._open[token]
            return Response(status_code=204)
        if request.method == "GET":
            return _state(session)
        part = await _part(request)
        _check_range(request.headers.get("content-range"), len(part), session)
        session.content += part
        if len(session.content) < session.size:
            return _state(session)
        self._open.pop(token, None)
        return self._attached(session)

    def _attached(self, session: Session) -> Response:
        now = datetime.fromtimestamp(self._clock(), UTC)
        box, oid = session.owner.mailbox, session.owner.profile.oid
        message = box.message(session.message_id)
        if message is None:
            raise item_not_found("mail")
        attachment = made_attachment(session.item, bytes(session.content), oid, now)
        box.put(message.revised(now, attachments=(*message.attachments, attachment)))
        place = f"messages/{message.ids.default}/attachments/{attachment.ids.default}"
        location = f"{self._origin}/v1.0/users/{oid}/{place}"
        return Response(status_code=201, headers={"Location": location})


def _state(session: Session) -> Response:
    expires = utc_text(datetime.fromtimestamp(session.expires_at, UTC))
    shown = {"expirationDateTime": expires, "nextExpectedRanges": session.expected}
    return json_response(shown)


async def _part(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) >= _LARGEST_PART_BYTES:
            raise GraphError(413, "RequestEntityTooLarge", "The request body is too large.")
    return bytes(received)


def _check_range(header: str | None, length: int, session: Session) -> None:
    found = _RANGE.fullmatch((header or "").strip())
    if found is None:
        raise bad_request("The Content-Range header is missing or malformed.")
    first, last, size = (int(each) for each in found.groups())
    if size != session.size or last - first + 1 != length or last >= size:
        raise bad_request("The Content-Range header does not fit the body or the session.")
    if first != len(session.content):
        raise GraphError(416, "ErrorInvalidRange", "The uploaded fragment is out of order.")


def _size(value: object) -> int:
    size = as_number(value, 0, 2**31 - 1)
    if size < SMALL_BYTES:
        raise GraphError(
            400,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            f"The attachment size must be at least {SMALL_BYTES} bytes.",
        )
    if size > _LARGEST_BYTES:
        raise GraphError(
            400,
            "ErrorAttachmentSizeLimitExceeded",
            "The attachment exceeds the maximum supported size.",
        )
    return size
