"""Where links lead to: before the door for access tokens, as the link itself is the permission.

A link opens for whoever holds it (see this package's own words), so nothing about it is told
to other web pages (no CORS), kept (no-store) or passed on (no-referrer).
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from obo_graph.links.desk import PREFIX, Links
from obo_graph.links.download import send_file
from obo_graph.links.headers import SEALED_OFF
from obo_graph.links.outcome import BUSY, ENDED, NOT_OURS, ClientLeft, LinkRefused, Use
from obo_graph.links.pace import Pace
from obo_graph.links.page import upload_page
from obo_graph.links.ticket import Ticket
from obo_graph.links.upload import take_file
from obo_graph.wire.download import is_allowed
from obo_graph.wire.graph import Graph
from obo_mcp.observe import Field, record

_SEALED = re.compile(r"[A-Za-z0-9_\-]+")
_METHODS = {"download": ("GET", "HEAD"), "upload": ("GET", "HEAD", "PUT")}
_GONE = 499
_UNEXPECTED = 500


@dataclass(slots=True)
class LinkDoor:
    """Pure ASGI around `app`: serves what lies below `/links/`, forwards everything else.

    `hosts` are other names under which we are reached, as from a proxy that says its own. At most
    `at_once` files move at the same time, `for_one` of them for one person, so that links leave
    connections for tools.
    """

    app: ASGIApp
    links: Links
    graph: Graph
    hosts: tuple[str, ...] = ()
    at_once: int = 20
    for_one: int = 5
    pace: Pace = field(default_factory=Pace)
    _moving: list[Ticket] = field(default_factory=list, init=False, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        inner = scope["path"].removeprefix(scope.get("root_path", "")) if _is_http(scope) else ""
        if inner.startswith(PREFIX):
            await self._serve(inner.removeprefix(PREFIX), Request(scope, receive), send)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, sealed: str, request: Request, send: Send) -> None:
        began, ticket, use = self.links.clock.monotonic(), None, Use("failed", _UNEXPECTED)
        try:
            ticket = self._admitted(sealed, request)
            use = await self._used(ticket, request, send)
        except LinkRefused as refusal:
            use = Use(refusal.outcome, refusal.status)
            await _refused(refusal)(request.scope, request.receive, send)
        except ClientLeft:
            use = Use("left", _GONE)
        finally:
            _record(ticket, use, (self.links.clock.monotonic() - began) * 1000)

    def _admitted(self, sealed: str, request: Request) -> Ticket:
        ticket = self.links.seal.open(sealed) if _SEALED.fullmatch(sealed) else None
        if ticket is None or not self.links.seconds or not self._is_for_us(request):
            raise LinkRefused(404, NOT_OURS)
        if ticket.expires_at <= self.links.clock.now():
            raise LinkRefused(410, ENDED)
        up = ticket.direction == "upload"
        suffixes = self.graph.upload_hosts if up else self.graph.download_hosts
        if not is_allowed(ticket.url, self.graph.transport.origin, suffixes):
            raise LinkRefused(404, NOT_OURS)
        allowed = _METHODS[ticket.direction]
        if request.method not in allowed:
            raise LinkRefused(405, "A link cannot do this.", {"allow": ", ".join(allowed)})
        return ticket

    def _is_for_us(self, request: Request) -> bool:
        ours = urlsplit(self.links.origin)
        port = 443 if ours.scheme == "https" else 80
        names = {ours.netloc, *self.hosts}
        names |= {f"{name}:{port}" for name in names if not name.rpartition(":")[2].isdecimal()}
        found = request.headers.getlist("host")
        return len(found) == 1 and found[0].lower() in names

    async def _used(self, ticket: Ticket, request: Request, send: Send) -> Use:
        if ticket.direction == "upload" and request.method != "PUT":
            await upload_page(ticket)(request.scope, request.receive, send)
            return Use("shown", 200)
        theirs = sum(other.person == ticket.person for other in self._moving)
        if len(self._moving) >= self.at_once or theirs >= self.for_one:
            raise LinkRefused(503, BUSY, {"retry-after": "60"})
        if ticket.direction == "upload" and ticket in self._moving:
            raise LinkRefused(409, "This link is being used right now.")
        self._moving.append(ticket)
        try:
            if ticket.direction == "upload":
                return await take_file(self.graph, ticket, request, send, self.pace)
            http = self.graph.transport.http
            return await send_file(http, ticket, request, send, self.pace)
        finally:
            self._moving.remove(ticket)


def _is_http(scope: Scope) -> bool:
    return bool(scope["type"] == "http")


def _refused(refusal: LinkRefused) -> Response:
    headers = SEALED_OFF | refusal.headers
    return Response(f"{refusal.words}\n", refusal.status, headers, "text/plain")


def _record(ticket: Ticket | None, use: Use, milliseconds: float) -> None:
    fields: dict[str, Field] = {
        "outcome": use.outcome,
        "status": use.status,
        "size_bytes": use.size_bytes,
        "milliseconds": round(milliseconds, 3),
    }
    if ticket is not None:
        tid, oid = ticket.person
        fields |= {"direction": ticket.direction, "tid": tid, "oid": oid}
    record("file_link", fields=fields)
