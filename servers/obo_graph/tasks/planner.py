"""Planner: tasks that were given to somebody in a plan (Graph, "plannerTask")."""

from datetime import tzinfo

from obo_graph.shape.paging import Page, page_of
from obo_graph.shape.result import compact
from obo_graph.tasks.due import planner_day
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph

TASKS = "/planner/tasks"
DONE = 100
"""`percentComplete` of a task that is done."""

IMPORTANT, ORDINARY = 3, 5
"""`priority` of an important task, and of one like any other."""


async def page(graph: PersonalGraph, skip: dict[str, str]) -> Page:
    """The tasks that are assigned to the person; Planner knows neither `$filter` nor `$top`."""
    answer = await graph.get("/me/planner/tasks", skip)
    return page_of(answer, graph.transport.origin)


def is_done(task: Json) -> bool:
    """Whether the task is done."""
    return task.get("percentComplete") == DONE


def row(task: Json, zone: tzinfo) -> Json:
    """One Planner task as a model reads it."""
    percent, priority = task.get("percentComplete"), task.get("priority")
    return compact(
        {
            "id": one_line(task.get("id"), 64),
            "title": one_line(task.get("title"), 128),
            "due": planner_day(task, zone),
            "status": _status(percent),
            "important": isinstance(priority, int) and priority < ORDINARY,
            "has_notes": task.get("hasDescription") is True,
        }
    )


def _status(percent: object) -> str:
    if percent == DONE:
        return "completed"
    return "inProgress" if percent else ""
