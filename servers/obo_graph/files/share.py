"""`files_share`: others may open a file or folder."""

from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.files.fields import OwnItem
from obo_graph.files.place import place
from obo_graph.files.sharing import ITEM, Share, check, share, until
from obo_graph.shape.addresses import check_people, parse_people
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_mcp import Principal, TokenSource

_Person = Annotated[str, Field(max_length=400)]


def share_tool(shop: Workshop) -> Tool:
    """The tool `files_share`."""

    async def files_share(
        *,
        tokens: Annotated[TokenSource, shop.tokens("files_share")],
        who: Annotated[Principal, shop.who()],
        item: OwnItem,
        access: Literal["view", "edit"] = "view",
        people: Annotated[
            tuple[_Person, ...], Field(max_length=500, description="Name <address>")
        ] = (),
        anyone: Annotated[bool, Field(description="Link without sign-in")] = False,
        expires: Annotated[str, Field(max_length=40, description="Last day: 2026-12-31")] = "",
        notify: Annotated[bool, Field(description="Mail them")] = False,
        message: Annotated[str, Field(max_length=2000, description="For that mail")] = "",
        dry_run: bool = False,
    ) -> CallToolResult:
        where = place("item", item)
        wanted = Share(
            people=tuple(parse_people("people", people)),
            edit=access == "edit",
            anyone=anyone,
            notify=notify,
            message=message,
        )
        now = shop.graph.clock.now()
        check(wanted, expires, now, shop)
        async with shop.acting("files_share", tokens, who) as graph:
            # A domain is asked for only if there is somebody to compare with it.
            domain = await shop.mailboxes.domain(graph) if people else ""
            warnings = check_people(wanted.people, shop.settings, domain)
            if expires:
                wanted = until(wanted, expires, await shop.mailboxes.zone(graph), now)
            found = await graph.get(where.path, ITEM)
            shown, more = await share(graph, where.path, found, wanted, dry_run=dry_run)
            shown = compact(shown | {"warnings": warnings + more})
            return result_of({"dry_run": True, "would": shown} if dry_run else shown)

    return make_tool(
        files_share,
        title="Share a file",
        description=(
            "Let the named people, or without any the whole organisation by a link, open a file or "
            "folder. Returns link and warnings. First dry_run, then ask the person."
        ),
        annotations=writing(destructive=True, idempotent=False, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )
