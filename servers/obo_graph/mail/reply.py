"""`mail_reply`: an answer to a mail, as a draft or sent."""

from typing import Annotated

from anyio import to_thread
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import GraphFailure, bad_argument
from obo_graph.mail.answering import Answering, answer
from obo_graph.mail.body import outgoing
from obo_graph.mail.envelope import allowed, shown
from obo_graph.mail.fields import BodyType, Id
from obo_graph.shape import ids
from obo_graph.shape.addresses import people_of
from obo_graph.shape.paging import objects
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

_ORIGINAL = {"$select": "id,isDraft,subject,from,replyTo,toRecipients,ccRecipients"}
_HIDDEN = frozenset({403, 404})


def reply_tool(shop: Workshop) -> Tool:
    """The tool `mail_reply`."""

    async def mail_reply(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_reply")],
        who: Annotated[Principal, shop.who()],
        message_id: Id,
        body: Annotated[str, Field(min_length=1, max_length=100_000)],
        reply_all: bool = False,
        send: bool = False,
        body_type: BodyType = "text",
        dry_run: bool = False,
    ) -> CallToolResult:
        wanted = Answering(
            path=f"/me/messages/{ids.segment('message_id', message_id)}",
            verb="createReplyAll" if reply_all else "createReply",
            creating=None,
            text=await to_thread.run_sync(outgoing, body, body_type),
            send=send,
        )
        async with shop.acting("mail_reply", tokens, who) as graph:
            expected = await _expected(graph, wanted.path, reply_all=reply_all)
            # Refused here, it leaves no draft behind.
            warnings = await allowed(shop, graph, expected)
            if dry_run:
                would = shown(expected, {}, shop.settings.result_budget_bytes // 2)
                what = {"send" if send else "create_draft": would}
                rehearsed = {"dry_run": True, "would": what, "warnings": warnings}
                return result_of(compact(rehearsed))
            return result_of(await answer(shop, graph, wanted))

    return make_tool(
        mail_reply,
        title="Reply to a mail",
        description=(
            "Write a reply above the quoted mail, as a draft: show it to the person, then "
            "mail_send. send=true sends at once, only where the person asked for just that. "
            "reply_all reaches everybody on the mail, strangers too."
        ),
        annotations=writing(destructive=True, idempotent=False, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _expected(graph: PersonalGraph, path: str, *, reply_all: bool) -> Json:
    """The reply as Exchange is going to address it, as far as can be told before."""
    mail = await graph.get(path, _ORIGINAL, prefer=(IMMUTABLE_IDS,))
    if mail.get("isDraft") is True:
        raise bad_argument("message_id", "is a draft, no mail to answer; change it with mail_draft")
    answered = mail.get("replyTo") or [mail.get("from")]
    reply: Json = {"subject": mail.get("subject"), "toRecipients": objects(answered)}
    if reply_all:
        own = await _own_addresses(graph)
        others = [*objects(answered), *objects(mail.get("toRecipients"))]
        reply["toRecipients"] = _without(own, others)
        reply["ccRecipients"] = _without(own, objects(mail.get("ccRecipients")))
    return compact(reply)


def _without(own: set[str], recipients: list[Json]) -> list[Json]:
    return [
        one
        for one in recipients
        if not any(person.address.lower() in own for person in people_of([one]))
    ]


async def _own_addresses(graph: PersonalGraph) -> set[str]:
    try:
        me = await graph.get("/me", {"$select": "mail,userPrincipalName"})
    except GraphFailure as failure:
        if failure.status not in _HIDDEN:
            raise
        return set()
    addresses = (str(me.get(name) or "").lower() for name in ("mail", "userPrincipalName"))
    return {address for address in addresses if address}
