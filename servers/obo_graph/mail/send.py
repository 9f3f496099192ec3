"""`mail_send`: a draft leaves."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult

from obo_graph.mail.dispatch import Outgoing, send_draft
from obo_graph.mail.fields import Id
from obo_graph.shape import ids
from obo_graph.shape.result import OBJECT_SCHEMA, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_mcp import Principal, TokenSource


def send_tool(shop: Workshop) -> Tool:
    """The tool `mail_send`."""
    outgoing = Outgoing()

    async def mail_send(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_send")],
        who: Annotated[Principal, shop.who()],
        draft_id: Id,
        dry_run: bool = False,
    ) -> CallToolResult:
        ids.segment("draft_id", draft_id)
        async with shop.acting("mail_send", tokens, who) as graph:
            with outgoing.alone_with(graph.person, draft_id):
                return result_of(await send_draft(shop, graph, draft_id, dry_run=dry_run))

    return make_tool(
        mail_send,
        title="Send a draft",
        description=(
            "Send a draft of mail_draft, mail_reply or mail_forward as it is, once the person has "
            "agreed to its recipients and text. It cannot be taken back. After an error do what "
            "its hint says; never write the mail anew."
        ),
        annotations=writing(destructive=True, idempotent=False, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )
