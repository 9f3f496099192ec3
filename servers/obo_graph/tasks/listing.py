"""`tasks_list`: what the person has to do."""

from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Found, Page, collect
from obo_graph.shape.result import LIST_SCHEMA, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.tasks import planner, todo
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

Status = Literal["open", "done", "all"]
_FILTERS: MappingProxyType[str, dict[str, str]] = MappingProxyType(
    {
        "open": {"$filter": "status ne 'completed'"},
        "done": {"$filter": "status eq 'completed'"},
        "all": {},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """The arguments of one `tasks_list`, but for the cursor."""

    list_name: str
    status: Status
    source: Literal["todo", "planner"]
    limit: int

    def arguments(self) -> Json:
        """What a cursor for this list is bound to."""
        return {name: getattr(self, name) for name in self.__slots__}


def list_tool(shop: Workshop) -> Tool:
    """The tool `tasks_list`."""

    async def tasks_list(
        *,
        tokens: Annotated[TokenSource, shop.tokens("tasks_list")],
        who: Annotated[Principal, shop.who()],
        list_name: Annotated[str, Field(max_length=128, description="To Do list; empty: all")] = "",
        status: Status = "open",
        source: Annotated[
            Literal["todo", "planner"], Field(description="planner: assigned to the person")
        ] = "todo",
        limit: Annotated[int, Field(ge=1, le=50)] = 20,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        if list_name and source == "planner":
            raise bad_argument("list_name", "is for source todo; leave it empty for planner")
        wanted = TaskQuery(list_name=list_name, status=status, source=source, limit=limit)
        async with shop.acting("tasks_list", tokens, who) as graph:
            start = shop.cursors.open(cursor, graph.person, "tasks_list", wanted.arguments())
            zone = await shop.mailboxes.zone(graph)
            if source == "planner":
                found, rows = await _planner(graph, wanted, start, zone)
            else:
                found, rows = await _todo(graph, wanted, start, zone)

            def seal(position: Position) -> str:
                arguments = wanted.arguments()
                return shop.cursors.seal(position, graph.person, "tasks_list", arguments)

            extra: Json = {"time_zone": zone_name(zone)}
            return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)

    return make_tool(
        tasks_list,
        title="List tasks",
        description=(
            "Tasks of the person, from To Do list by list or from Planner. Returns rows with id "
            "for task_update, title, list, due day and notes. Flagged mails are in To Do as well."
        ),
        annotations=reading(open_world=False),
        output_schema=LIST_SCHEMA,
    )


async def _todo(
    graph: PersonalGraph, wanted: TaskQuery, start: Position, zone: tzinfo
) -> tuple[Found, list[Json]]:
    lists = await todo.lists_of(graph)
    if wanted.list_name:
        lists = [todo.list_named(lists, wanted.list_name)]
    if not lists:
        return Found(), []
    options = _FILTERS[wanted.status] | {"$top": str(wanted.limit)}

    async def fetch(place: dict[str, str]) -> Page:
        return await todo.page(graph, lists, options, place)

    found = await collect(fetch, start, wanted.limit, lambda _: True)
    rows = [
        todo.row(one["task"], one["list"]["id"], todo.name_of(one["list"]), zone)
        for one, _ in found.rows
    ]
    return found, rows


async def _planner(
    graph: PersonalGraph, wanted: TaskQuery, start: Position, zone: tzinfo
) -> tuple[Found, list[Json]]:
    def keep(task: Json) -> bool:
        return wanted.status == "all" or planner.is_done(task) == (wanted.status == "done")

    async def fetch(skip: dict[str, str]) -> Page:
        return await planner.page(graph, skip)

    found = await collect(fetch, start, wanted.limit, keep)
    return found, [planner.row(task, zone) for task, _ in found.rows]
