"""`mail_search`: find mails."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.mail.query import MailQuery, Plan, YesNo, plan
from obo_graph.mail.rows import rows as shown_rows
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Page, collect, page_of
from obo_graph.shape.result import LIST_SCHEMA, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

Words = Annotated[str, Field(max_length=256)]
Id = Annotated[str, Field(max_length=512)]
Cursor = Annotated[str, Field(max_length=CURSOR_CHARS)]


def search_tool(shop: Workshop) -> Tool:
    """The tool `mail_search`."""

    async def mail_search(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_search")],
        who: Annotated[Principal, shop.who()],
        query: Annotated[str, Field(max_length=256, description='Words; "…" for a phrase')] = "",
        folder: Annotated[
            str, Field(max_length=512, description="inbox, sentitems, archive … or an id")
        ] = "",
        from_: Annotated[str, Field(max_length=256, description="Sender: address or name")] = "",
        to: Words = "",
        subject: Words = "",
        after: Annotated[
            str, Field(max_length=40, description="From this day or time on: 2026-11-23[T09:00]")
        ] = "",
        before: Annotated[str, Field(max_length=40, description="Before this day or time")] = "",
        unread: YesNo = "any",
        has_attachments: YesNo = "any",
        conversation_id: Id = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        cursor: Cursor = "",
    ) -> CallToolResult:
        wanted = MailQuery(
            query=query,
            folder=folder,
            from_=from_,
            to=to,
            subject=subject,
            after=after,
            before=before,
            unread=unread,
            has_attachments=has_attachments,
            conversation_id=conversation_id,
            limit=limit,
        )
        async with shop.acting("mail_search", tokens, who) as graph:
            return await _search(shop, graph, wanted, cursor)

    return make_tool(
        mail_search,
        title="Search mail",
        description=(
            "Find mails, newest first; without arguments the latest. Returns rows with id, "
            "people, subject, time and preview: read one with mail_read. For more rows repeat "
            "the call with cursor = next."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


async def _search(
    shop: Workshop, graph: PersonalGraph, wanted: MailQuery, cursor: str
) -> CallToolResult:
    arguments = wanted.arguments()
    start = shop.cursors.open(cursor, graph.person, "mail_search", arguments)
    zone = await shop.mailboxes.zone(graph)
    request = plan(wanted, zone)

    async def fetch(skip: dict[str, str]) -> Page:
        return await _page(graph, request, skip)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "mail_search", arguments)

    found = await collect(fetch, start, wanted.limit, request.keep)
    rows = shown_rows([row for row, _ in found.rows], zone)
    extra = {"time_zone": zone_name(zone)}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)


async def _page(graph: PersonalGraph, request: Plan, skip: dict[str, str]) -> Page:
    answer = await graph.get(request.path, request.query | skip, prefer=(IMMUTABLE_IDS,))
    page = page_of(answer, graph.transport.origin)
    if "$orderby" in request.query or "$search" in request.query:
        return page
    newest_first = sorted(
        page.rows, key=lambda row: str(row.get("receivedDateTime", "")), reverse=True
    )
    return Page(newest_first, page.following)
