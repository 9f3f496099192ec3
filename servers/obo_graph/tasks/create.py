"""`task_create`: something to do, in To Do."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import parse_day
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.tasks import todo
from obo_graph.tasks.due import todo_due
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json
from obo_mcp import Principal, TokenSource


def create_tool(shop: Workshop) -> Tool:
    """The tool `task_create`."""

    async def task_create(
        *,
        tokens: Annotated[TokenSource, shop.tokens("task_create")],
        who: Annotated[Principal, shop.who()],
        title: Annotated[str, Field(min_length=1, max_length=255)],
        due: Annotated[str, Field(max_length=10, description="Day: 2026-11-25")] = "",
        list_name: Annotated[str, Field(max_length=128, description="Default: Tasks")] = "",
        notes: Annotated[str, Field(max_length=8000)] = "",
        important: bool = False,
        dry_run: bool = False,
    ) -> CallToolResult:
        day = parse_day("due", due) if due else None
        task = _task(title, notes, important=important)
        async with shop.acting("task_create", tokens, who) as graph:
            if day is not None:
                task["dueDateTime"] = todo_due(day, await shop.mailboxes.zone(graph))
            where = todo.list_named(await todo.lists_of(graph), list_name)
            shown = compact({"title": task["title"], "list": todo.name_of(where), "due": due})
            if dry_run:
                return result_of({"dry_run": True, "would": {"create": shown}})
            with careful(unclear="Look with tasks_list before you create it again."):
                made = await graph.post(todo.path_of(where["id"]), task)
            return result_of({**_found_by(where["id"], made), **shown})

    return make_tool(
        task_create,
        title="Create a task",
        description=(
            "Put a task into one of the person's To Do lists. Returns its id. Each call makes a "
            "new one, so look with tasks_list whether it is there already."
        ),
        annotations=writing(destructive=False, idempotent=False, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


def _found_by(list_id: str, made: Json) -> Json:
    key = one_line(made.get("id"), 512)
    if key:
        return {"id": f"{list_id}/{key}"}
    return {"created": True, "note": "Graph did not tell its id; find it with tasks_list."}


def _task(title: str, notes: str, *, important: bool) -> Json:
    named = one_line(title, 1024)
    if not named:
        raise bad_argument("title", "holds no text")
    body = {"content": clean(notes), "contentType": "text"} if notes else None
    return compact({"title": named, "body": body, "importance": "high" if important else ""})
