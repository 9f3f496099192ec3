"""`calendar_event_respond`: the answer to an invitation."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar import event as events
from obo_graph.calendar.arguments import Comment, EventId, Local, Zone
from obo_graph.calendar.span import Span, span
from obo_graph.errors import bad_argument, told
from obo_graph.shape.addresses import check_people, people_of
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.recipients import written
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import parse_zone
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import one_line, sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

Response = Literal["accept", "tentative", "decline"]

_ACTIONS = MappingProxyType(
    {"accept": "accept", "tentative": "tentativelyAccept", "decline": "decline"}
)
_SELECT = "subject,start,end,isAllDay,isOrganizer,isCancelled,organizer,allowNewTimeProposals"
_LOOK = "Read the event with calendar_event_get: my_response says whether the answer arrived."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """The answer, and the other time that is proposed with it."""

    response: Response
    comment: str
    notify: bool
    propose_start: str
    propose_end: str
    time_zone: str

    @property
    def proposes(self) -> bool:
        return bool(self.propose_start or self.propose_end)

    def check(self) -> None:
        """Raises ToolError for what Graph would refuse whatever the event is."""
        if self.proposes and self.response == "accept":
            raise bad_argument("propose_start", "goes with tentative or decline, not with accept")
        if self.proposes and not (self.propose_start and self.propose_end):
            raise bad_argument("propose_end", "and propose_start go together")
        if not self.notify and (self.comment or self.proposes):
            raise bad_argument("notify", "must be true for a comment or a proposal to arrive")
        self.proposal(UTC)

    def proposal(self, home: tzinfo) -> Span | None:
        zone = parse_zone("time_zone", self.time_zone) or home
        names = ("propose_start", "propose_end")
        if not self.proposes:
            return None
        return span(self.propose_start, self.propose_end, zone, names=names)

    def to_graph(self, home: tzinfo) -> Json:
        """As the body of Graph's action (Graph, "event: decline")."""
        body: Json = {"sendResponse": self.notify}
        if self.comment:
            body["comment"] = sendable(self.comment)
        proposal = self.proposal(home)
        if proposal is not None:
            when = proposal.to_graph()
            body["proposedNewTime"] = {"start": when["start"], "end": when["end"]}
        return body


def respond_tool(shop: Workshop) -> Tool:
    """The tool `calendar_event_respond`."""

    async def calendar_event_respond(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_event_respond")],
        who: Annotated[Principal, shop.who()],
        event_id: EventId,
        response: Response,
        comment: Comment = "",
        notify: Annotated[bool, Field(description="Tell the organiser")] = True,
        propose_start: Local = "",
        propose_end: Local = "",
        time_zone: Zone = "",
        dry_run: bool = False,
    ) -> CallToolResult:
        path = events.path_of(event_id)
        reply = _Reply(
            response=response,
            comment=comment,
            notify=notify,
            propose_start=propose_start,
            propose_end=propose_end,
            time_zone=time_zone,
        )
        reply.check()
        async with shop.acting("calendar_event_respond", tokens, who) as graph:
            told = await _responded(shop, graph, path, reply, dry_run=dry_run)
        return result_of(told if dry_run else {"id": event_id, **told})

    return make_tool(
        calendar_event_respond,
        title="Answer an invitation",
        description=(
            "Answers an invitation and tells the organiser. With tentative or decline another "
            "time can be proposed; a declined event leaves the calendar."
        ),
        annotations=writing(destructive=True, idempotent=True, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _responded(
    shop: Workshop, graph: PersonalGraph, path: str, reply: _Reply, *, dry_run: bool
) -> Json:
    event = await graph.get(path, {"$select": _SELECT}, prefer=(IMMUTABLE_IDS,))
    _check_event(event, reply)
    warnings: list[str] = []
    if reply.notify:
        domain = await shop.mailboxes.domain(graph)
        warnings = check_people(people_of([event.get("organizer")]), shop.settings, domain)
    home = await shop.mailboxes.zone(graph)
    proposal = reply.proposal(home)
    told = compact(
        {
            "response": reply.response,
            "subject": one_line(event.get("subject"), 256),
            **events.when(event, home),
            "time_zone": zone_name(home),
            "proposed": proposal.shown(home) if proposal else None,
            "organizer_told": written(event.get("organizer")) if reply.notify else "",
            "warnings": warnings,
        }
    )
    if dry_run:
        return {"dry_run": True, "would": told}
    with careful(unclear=_LOOK):
        action = f"{path}/{_ACTIONS[reply.response]}"
        await graph.post(action, reply.to_graph(home), prefer=(IMMUTABLE_IDS,))
    return told


def _check_event(event: Json, reply: _Reply) -> None:
    if event.get("isOrganizer") is True:
        raise told(
            "is_organizer",
            "The person organises this event. Use calendar_event_update or calendar_event_cancel.",
        )
    if event.get("isCancelled") is True:
        raise told("cancelled", "The organiser has cancelled this event: no answer is needed.")
    if reply.proposes and event.get("allowNewTimeProposals") is False:
        raise told(
            "no_proposals", "The organiser takes no proposals for this event. Answer without one."
        )
