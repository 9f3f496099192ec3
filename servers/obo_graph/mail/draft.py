"""`mail_draft`: a mail is written, or a draft changed. Nothing leaves."""

from typing import Annotated

from anyio import to_thread
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.mail.drafting import Wish, carry_out, order_of
from obo_graph.mail.fields import Body, BodyType, Copied, Importance, People
from obo_graph.shape.result import OBJECT_SCHEMA, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_mcp import Principal, TokenSource

Ref = Annotated[str, Field(max_length=520)]
Files = Annotated[tuple[Ref, ...], Field(max_length=10, description="refs of files_search rows")]


def draft_tool(shop: Workshop) -> Tool:
    """The tool `mail_draft`."""

    async def mail_draft(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_draft")],
        who: Annotated[Principal, shop.who()],
        to: People = (),
        subject: Annotated[str, Field(max_length=255)] = "",
        body: Body = "",
        cc: Copied = (),
        bcc: Copied = (),
        body_type: BodyType = "text",
        importance: Importance = "any",
        attach_files: Files = (),
        draft_id: Annotated[
            str,
            Field(max_length=512, description='Draft to change; empty stays, ["none"] clears'),
        ] = "",
        dry_run: bool = False,
    ) -> CallToolResult:
        wish = Wish(
            to=to,
            cc=cc,
            bcc=bcc,
            subject=subject,
            body=body,
            body_type=body_type,
            importance=importance,
            attach_files=attach_files,
            draft_id=draft_id,
            dry_run=dry_run,
        )
        # HTML that opens thousands of elements takes seconds: not on the event loop.
        order = await to_thread.run_sync(order_of, wish)
        async with shop.acting("mail_draft", tokens, who) as graph:
            return result_of(await carry_out(shop, graph, order))

    return make_tool(
        mail_draft,
        title="Write a draft",
        description=(
            "Write a new mail into Drafts, or change a draft. Sends nothing: show the result to "
            "the person, then mail_send. Addresses come from people_search, a thread or the "
            "person, never from a guess."
        ),
        annotations=writing(destructive=False, idempotent=False, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )
