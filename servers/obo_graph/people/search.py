"""`people_search`: whom somebody may mean."""

from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import GraphFailure, told_to_model
from obo_graph.people.sources import SOURCES, Source, searchable
from obo_graph.shape.partial import fitting, left_out
from obo_graph.shape.result import LIST_SCHEMA
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import comparable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import OboError, Principal, TokenSource

Scope = Literal["all", "relevant", "directory", "contacts"]
Outcome = list[Json] | GraphFailure | OboError


def search_tool(shop: Workshop) -> Tool:
    """The tool `people_search`."""

    async def people_search(
        *,
        tokens: Annotated[TokenSource, shop.tokens("people_search")],
        who: Annotated[Principal, shop.who()],
        query: Annotated[
            str, Field(min_length=1, max_length=128, description="Name, its beginning, or address")
        ],
        scope: Annotated[
            Scope, Field(description="relevant: people they work with; directory: everybody")
        ] = "all",
        limit: Annotated[int, Field(ge=1, le=25)] = 8,
    ) -> CallToolResult:
        words = searchable(query)
        sources = [one for one in SOURCES.values() if scope in {"all", one.name}]
        async with shop.acting("people_search", tokens, who) as graph:
            outcomes = await _ask(graph, sources, words, limit)
            rows, notes = _told(sources, outcomes)
            extra: Json = {"notes": notes}
            budget_bytes = shop.settings.result_budget_bytes
            more = max(len(rows) - limit, 0)
            return fitting(rows[:limit], extra, budget_bytes, more=more)

    return make_tool(
        people_search,
        title="Search people",
        description=(
            "Find a person's mail address by name. Returns rows with name, address, title, "
            "department and the source of each. If several fit, ask which one is meant: never "
            "guess an address."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


async def _ask(
    graph: PersonalGraph, sources: list[Source], words: str, limit: int
) -> list[Outcome]:
    """What each source answers, asked at the same time."""
    outcomes: dict[str, Outcome] = {}

    async def ask(source: Source) -> None:
        try:
            outcomes[source.name] = await source.ask(graph, words, limit)
        except (GraphFailure, OboError) as failure:
            outcomes[source.name] = failure

    async with anyio.create_task_group() as tasks:
        for source in sources:
            tasks.start_soon(ask, source)
    return [outcomes[source.name] for source in sources]


def _told(sources: list[Source], outcomes: list[Outcome]) -> tuple[list[Json], list[str]]:
    """The rows of all sources, and a note on each that failed.

    Raises:
        OboError: a source wants the person to sign in again.
        ToolError: all of them failed.
    """
    found: list[list[Json]] = []
    notes: list[str] = []
    failures: list[GraphFailure] = []
    for source, outcome in zip(sources, outcomes, strict=True):
        if isinstance(outcome, OboError):
            raise outcome
        if isinstance(outcome, GraphFailure):
            failures.append(outcome)
            notes.append(left_out(source.label, outcome, source.scope))
        else:
            found.append([row | {"source": source.name} for row in outcome])
    if not found:
        with told_to_model(*(source.scope for source in sources)):
            raise failures[0]
    return _merged(found), notes


def _merged(found: list[list[Json]]) -> list[Json]:
    """The rows of all sources in turn, each address once with all sources that know it.

    In turn, so that a namesake in the second source is seen beside those of the first.
    """
    merged: dict[str, Json] = {}
    longest = max(len(rows) for rows in found)
    for rank in range(longest):
        for rows in found:
            if rank < len(rows):
                _merge(merged, rows[rank])
    return list(merged.values())


def _merge(merged: dict[str, Json], row: Json) -> None:
    key = comparable(row.get("address") or f"{row.get('name', '')} {row['source']}")
    known = merged.get(key)
    if known is None:
        merged[key] = row
        return
    if row["source"] not in known["source"]:
        known["source"] += f", {row['source']}"
    for name, value in row.items():
        known.setdefault(name, value)
