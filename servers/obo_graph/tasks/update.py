"""`task_update`: change a task, or tick it off."""

from datetime import tzinfo
from math import ceil
from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument, told
from obo_graph.shape import ids
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.tasks import planner, todo
from obo_graph.tasks.changes import Changes, Status, YesNo
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_AGAIN = "Look with tasks_list; the same call again does no harm."
_CHANGED = "Look with tasks_list, then decide again."
_ALREADY = "It was like that already."
_HALF_DONE = (
    "Everything but the notes is changed; the notes could not be written. Call once more with "
    "the notes alone, then tell the person."
)


def update_tool(shop: Workshop) -> Tool:
    """The tool `task_update`."""

    async def task_update(
        *,
        tokens: Annotated[TokenSource, shop.tokens("task_update")],
        who: Annotated[Principal, shop.who()],
        task_id: Annotated[str, Field(max_length=1024, description="Id of a tasks_list row")],
        status: Status = "keep",
        title: Annotated[str, Field(max_length=255)] = "",
        due: Annotated[str, Field(max_length=10, description="Day, or none")] = "",
        notes: Annotated[str, Field(max_length=8000, description="Replaces them")] = "",
        important: YesNo = "keep",
        dry_run: bool = False,
    ) -> CallToolResult:
        path, is_todo = _path(task_id)
        changes = Changes.of(status=status, title=title, due=due, notes=notes, important=important)
        async with shop.acting("task_update", tokens, who) as graph:
            task = await graph.get(path)
            shown = {"title": one_line(task.get("title"), 128), "changes": changes.shown()}
            if dry_run:
                return result_of({"dry_run": True, "would": compact({"id": task_id, **shown})})
            zone = await shop.mailboxes.zone(graph)
            if is_todo:
                body = changes.for_todo(task, zone)
                await _write(graph, path, body, etag="")
            else:
                body = await _change_planned(graph, path, task, changes, zone)
            outcome: Json = {"changed": True} if body else {"note": _ALREADY}
            return result_of(compact({"id": task_id, **outcome, **shown}))

    return make_tool(
        task_update,
        title="Change a task",
        description=(
            "Change a task of To Do or Planner, or tick it off with status done. Only what is "
            "given changes. Returns what was changed."
        ),
        annotations=writing(destructive=False, idempotent=True, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


def _path(task_id: str) -> tuple[str, bool]:
    """The path of a task, and whether it is one of To Do: its id says, `listId/taskId`."""
    list_id, slash, key = task_id.partition("/")
    if not slash:
        return f"{planner.TASKS}/{ids.segment('task_id', task_id)}", False
    if not list_id or not key or "/" in key:
        raise bad_argument("task_id", "is not an id; pass the id of a tasks_list row")
    return todo.path_of(list_id, key), True


async def _change_planned(
    graph: PersonalGraph, path: str, task: Json, changes: Changes, zone: tzinfo
) -> Json:
    """What was written, {} for nothing.

    Planner takes a change only with the version it is meant for (Graph, "plannerTask").
    """
    body = changes.for_planner(task, zone)
    if body:
        await _write(graph, path, body, etag=_version(task))
    if not changes.notes:
        return body
    try:
        await _change_notes(graph, f"{path}/details", changes.notes)
    except (GraphFailure, ToolError) as failure:
        if not body:
            raise
        seconds = failure.retry_after_seconds if isinstance(failure, GraphFailure) else None
        wait = None if seconds is None else ceil(seconds)
        raise told("half_done", _HALF_DONE, retry_after_s=wait) from None
    return body | {"description": changes.notes}


async def _change_notes(graph: PersonalGraph, path: str, notes: str) -> None:
    details = await graph.get(path)
    await _write(graph, path, {"description": notes}, etag=_version(details))


async def _write(graph: PersonalGraph, path: str, body: Json, *, etag: str) -> None:
    if not body:
        return
    with careful(unclear=_AGAIN, changed=_CHANGED):
        await graph.patch(path, body, etag=etag)


def _version(thing: Json) -> str:
    version = thing.get("@odata.etag")
    if not isinstance(version, str) or not version:
        raise GraphFailure(NO_ANSWER, "unexpected")
    return version
