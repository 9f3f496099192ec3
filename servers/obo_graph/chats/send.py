"""`chat_send`: say something in a chat, once."""

import html
from datetime import UTC, datetime
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.chats.destination import Destination, chat_of, readers, resolved
from obo_graph.chats.message import is_from, text_in
from obo_graph.errors import GraphFailure, bad_argument, told
from obo_graph.shape import ids
from obo_graph.shape.paging import objects
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import read
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_LATEST_FIRST = {"$orderby": "createdDateTime desc"}
_LOOKED_AT = _LATEST_FIRST | {"$top": "20"}
_EPOCH = datetime.fromtimestamp(0, UTC)
_SETTLING_SECONDS = 2.0
_MAYBE = (
    "Graph did not answer and the message cannot be found: it may have been sent. Do not send it "
    "again. Look with chat_read, and tell the person."
)


def send_tool(shop: Workshop) -> Tool:
    """The tool `chat_send`."""

    async def chat_send(
        *,
        tokens: Annotated[TokenSource, shop.tokens("chat_send")],
        who: Annotated[Principal, shop.who()],
        text: Annotated[str, Field(min_length=1, max_length=8000, description="Plain text")],
        chat_id: Annotated[str, Field(max_length=512)] = "",
        to: Annotated[str, Field(max_length=320, description="Or one person's address")] = "",
        dry_run: bool = False,
    ) -> CallToolResult:
        wanted = Destination.of(chat_id, to)
        said = clean(text).strip()
        if not said:
            raise bad_argument("text", "holds nothing to say")
        async with shop.acting("chat_send", tokens, who) as graph:
            known = await readers(shop, graph, wanted)
            there = await resolved(graph, wanted)
            if dry_run:
                would = compact({"send": said, "to": to, "chat_id": chat_id, **known})
                return result_of({"dry_run": True, "would": would})
            sent = await _send(graph, await chat_of(graph, there), said)
            return result_of(compact({**sent, **known}))

    return make_tool(
        chat_send,
        title="Send a chat message",
        description=(
            "Send a Teams message to a chat, or to one person of the organisation by address. It "
            "is out at once and cannot be taken back: show the text to the person first. Returns "
            "ids and who reads it."
        ),
        annotations=writing(destructive=True, idempotent=False, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _send(graph: PersonalGraph, chat_id: str, text: str) -> Json:
    path = f"/chats/{ids.segment('chat_id', chat_id)}/messages"
    body = {"contentType": "html", "content": html.escape(text, quote=False).replace("\n", "<br>")}
    before = await _latest(graph, path)
    try:
        message = await graph.post_once(path, {"body": body})
    except GraphFailure as failure:
        if not failure.ambiguous:
            raise
        found = await _looked_up(graph, path, text_in({"body": body}), before)
        if found is None:
            raise told("maybe_sent", _MAYBE) from None
        message = found
    return {"sent": True, "chat_id": chat_id, "id": one_line(message.get("id"), 64)}


async def _latest(graph: PersonalGraph, path: str) -> datetime | None:
    """When the chat's last message was said, by Graph's clock; None if that cannot be seen.

    Without it an answer that gets lost stays lost: the same words may have been said before.
    """
    try:
        messages = objects((await graph.get(path, _LATEST_FIRST | {"$top": "1"})).get("value"))
    except GraphFailure:
        return None
    return read(messages[0].get("createdDateTime")) if messages else _EPOCH


async def _looked_up(
    graph: PersonalGraph, path: str, text: str, before: datetime | None
) -> Json | None:
    """The person's own message with this very text, said after `before`; None if there is none."""
    if before is None:
        return None
    try:
        for wait_seconds in (0.0, _SETTLING_SECONDS):
            if wait_seconds:
                # What Teams took in before the connection broke may not be listed yet.
                await graph.patience.wait(wait_seconds)
            messages = objects((await graph.get(path, _LOOKED_AT)).get("value"))
            for message in messages:
                if _is_ours(message, graph.person[1], text, before):
                    return message
    except GraphFailure:
        return None
    return None


def _is_ours(message: Json, me: str, text: str, before: datetime) -> bool:
    said = read(message.get("createdDateTime"))
    same = text_in(message).split() == text.split()
    return same and is_from(message, me) and said is not None and said > before
