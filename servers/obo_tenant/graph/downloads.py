"""Pre-authenticated download links: whoever has the link has the file, for five minutes.

A link names the person it was made for and a file inside a sealed token; it takes byte ranges and
refuses a request that carries an access token.
Source: Graph "driveItem: get content", "Partial range".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.graph.contents import Document
from obo_tenant.graph.drive import Drive, DriveItem
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.pdf import as_pdf_document
from obo_tenant.graph.reach import Reach
from obo_tenant.graph.store import Belongings, profile_of
from obo_tenant.graph.trace import trace

LIFETIME_SECONDS = 300
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Makes and honours the links. The sealing key lives as long as the process."""

    reach: Reach
    origin: str
    clock: Callable[[], float]
    record: Callable[..., None]
    seal: Fernet = field(default_factory=lambda: Fernet(Fernet.generate_key()), repr=False)

    def url(self, owner: Belongings, item: DriveItem, drive: Drive, *, as_pdf: bool = False) -> str:
        """A fresh link to the bytes of a file, or to what they become as PDF."""
        form = "pdf" if as_pdf else ""
        named = f"{owner.profile.oid}|{drive.drive_id}|{item.item_id}|{form}".encode()
        token = self.seal.encrypt_at_time(named, int(self.clock())).decode()
        return f"{self.origin}/_download/{token}"

    async def answer(self, request: Request) -> Response:
        """Serve a link, or say in Graph's words why not."""
        started = self.clock()
        tracing = trace(request.headers.get("client-request-id"), started)
        oid: str | None = None
        code: str | None = None
        try:
            if "authorization" in request.headers:
                raise _refused("The link carries its own permission; send no Authorization.")
            oid, document = self._opened(request.path_params["token"])
            response = _content(document, request.headers.get("range"))
        except GraphError as refusal:
            code = refusal.code
            response = tracing.refusal(refusal)
        self.record(
            where="graph",
            method=request.method,
            path="/_download/...",
            status=response.status_code,
            milliseconds=round((self.clock() - started) * 1000, 3),
            person=oid,
            client_id=None,
            scope=None,
            client_request_id=tracing.client,
            error=code,
        )
        return tracing.mark(response)

    def _opened(self, token: str) -> tuple[str, Document]:
        try:
            named = self.seal.decrypt_at_time(token, LIFETIME_SECONDS, int(self.clock())).decode()
        except (InvalidToken, ValueError):
            raise _refused("The download link is not valid or has expired.") from None
        oid, drive_id, item_id, form = named.split("|")
        drive = self.reach.known(profile_of(oid), drive_id)
        item = drive.item(item_id) if drive else None
        if item is None or item.contents is None:
            raise GraphError(404, "itemNotFound", "The resource could not be found.")
        document = item.contents.document
        return oid, as_pdf_document(document.text) if form else document


def _refused(message: str) -> GraphError:
    return GraphError(401, "unauthenticated", message)


def _content(document: Document, wanted: str | None) -> Response:
    content = document.content
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": "attachment",
        "Cache-Control": "private, no-store",
    }
    span = _span(wanted, len(content))
    if span is None:
        return Response(content, 200, headers, document.mime_type)
    start, end = span
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
    return Response(content[start:end], 206, headers, document.mime_type)


def _span(wanted: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range to send, or None for everything (RFC 9110 section 14.2)."""
    found = _RANGE.fullmatch((wanted or "").strip())
    if found is None or not (found[1] or found[2]):
        return None
    if found[1] and found[2] and int(found[2]) < int(found[1]):
        return None
    if found[1]:
        start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
    else:
        start, end = max(size - int(found[2]), 0), size
    if start >= end:
        raise GraphError(
            416,
            "invalidRange",
            "The specified byte range is invalid or unavailable.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end
