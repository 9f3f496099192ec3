"""`whoami`: who "me" is, and what time it is for them."""

from datetime import UTC, datetime
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult

from obo_graph.errors import GraphFailure
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import show
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.shape.zones import zone_named
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import Graph, PersonalGraph
from obo_mcp import Principal, TokenSource

_ME = {"$select": "id,displayName,mail,userPrincipalName,jobTitle,officeLocation,preferredLanguage"}
_SETTINGS = {"$select": "timeZone,workingHours,automaticRepliesSetting"}
_NO_SETTINGS = frozenset({403, 404})
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def whoami_tool(shop: Workshop) -> Tool:
    """The tool `whoami`."""

    async def whoami(
        *,
        tokens: Annotated[TokenSource, shop.tokens("whoami")],
        who: Annotated[Principal, shop.who()],
    ) -> CallToolResult:
        async with shop.acting("whoami", tokens, who) as person:
            me = await person.get("/me", _ME)
            settings = await _mailbox_settings(person)
            return result_of(compact(_profile(me) | _rhythm(settings, shop.graph)))

    return make_tool(
        whoami,
        title="Who am I",
        description=(
            "The signed-in person: name, address, job, time zone, working hours and the time "
            "now. Call it first when a request says me, my, today or this week."
        ),
        annotations=reading(open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


async def _mailbox_settings(person: PersonalGraph) -> Json | None:
    try:
        return await person.get("/me/mailboxSettings", _SETTINGS)
    except GraphFailure as failure:
        if failure.status not in _NO_SETTINGS:
            raise
        return None


def _profile(me: Json) -> Json:
    return {
        "id": one_line(me.get("id"), 64),
        "name": one_line(me.get("displayName"), 128),
        "mail": one_line(me.get("mail"), 256),
        "user_principal_name": one_line(me.get("userPrincipalName"), 256),
        "job_title": one_line(me.get("jobTitle"), 128),
        "office": one_line(me.get("officeLocation"), 128),
        "language": one_line(me.get("preferredLanguage"), 32),
    }


def _rhythm(settings: Json | None, graph: Graph) -> Json:
    given = settings or {}
    named = one_line(given.get("timeZone"), 64)
    known = zone_named(named)
    zone = known or UTC
    replies = given.get("automaticRepliesSetting")
    status = one_line(replies.get("status"), 32) if isinstance(replies, dict) else ""
    return {
        "time_zone": zone_name(zone),
        "now": show(datetime.fromtimestamp(graph.clock.now(), UTC), zone),
        "working_hours": _working_hours(given.get("workingHours")),
        "automatic_replies": "" if status == "disabled" else status,
        "note": "" if known else _why_utc(named),
    }


def _why_utc(named: str) -> str:
    if named:
        return f"Time zone {named} is not known: times are shown in UTC."
    return "Mailbox settings cannot be read or hold no time zone: times are shown in UTC."


def _working_hours(hours: object) -> str:
    if not isinstance(hours, dict):
        return ""
    named = hours.get("daysOfWeek")
    days = [day[:3].title() for day in _DAYS if isinstance(named, list) and day in named]
    start, end = (one_line(hours.get(key), 16)[:5] for key in ("startTime", "endTime"))
    return f"{', '.join(days)} {start}-{end}" if days and start and end else ""
