"""To Do: its lists, and where a task lies (Graph, "todoTaskList", "todoTask").

To Do refuses `$select`; its answers are small.
"""

from collections.abc import Iterable
from datetime import tzinfo

from obo_graph.errors import bad_argument
from obo_graph.shape import ids
from obo_graph.shape.paging import Page, page_of
from obo_graph.shape.result import compact
from obo_graph.tasks.due import todo_day
from obo_graph.text import comparable, one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph

LISTS = "/me/todo/lists"
_MOST_LISTS = 100
_LISTS_PAGES = 3
_NAMED_LISTS = 12
_NAME_BYTES = 64


async def lists_of(graph: PersonalGraph) -> list[Json]:
    """The person's lists, a few hundred at most."""
    found: list[Json] = []
    skip: dict[str, str] | None = {}
    for _ in range(_LISTS_PAGES):
        if skip is None:
            break
        answer = await graph.get(LISTS, {"$top": str(_MOST_LISTS)} | skip)
        page = page_of(answer, graph.transport.origin)
        found += page.rows
        skip = page.following
    return [one for one in found if isinstance(one.get("id"), str)]


def list_named(lists: Iterable[Json], name: str) -> Json:
    """The one list with this name, without regard to case; the person's own for "".

    Raises:
        ToolError: there is none, or more than one.
    """
    known = list(lists)
    if not name:
        fitting = [one for one in known if one.get("wellknownListName") == "defaultList"]
    else:
        wanted = comparable(name).strip()
        fitting = [one for one in known if comparable(name_of(one)).strip() == wanted]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(name_of(one) for one in known[:_NAMED_LISTS]) or "none"
    what = "names more than one list" if fitting else "names no list"
    raise bad_argument("list_name", f"{what}; there are: {names}")


def name_of(task_list: Json) -> str:
    """What the person calls a list."""
    return one_line(task_list.get("displayName"), _NAME_BYTES)


def path_of(list_id: str, task_id: str = "") -> str:
    """The path of a list's tasks, or of one of them. The ids are Graph's own, from an answer."""
    tasks = f"{LISTS}/{ids.segment('task_id', list_id)}/tasks"
    return f"{tasks}/{ids.segment('task_id', task_id)}" if task_id else tasks


def row(task: Json, list_id: str, list_name: str, zone: tzinfo) -> Json:
    """One To Do task as a model reads it."""
    body = task.get("body")
    notes = body.get("content") if isinstance(body, dict) else None
    status = one_line(task.get("status"), 24)
    return compact(
        {
            "id": f"{list_id}/{task.get('id')}",
            "title": one_line(task.get("title"), 96),
            "list": list_name,
            "due": todo_day(task, zone),
            "status": "" if status == "notStarted" else status,
            "important": task.get("importance") == "high",
            "notes": one_line(notes, 80),
        }
    )


async def page(
    graph: PersonalGraph, lists: list[Json], wanted: dict[str, str], place: dict[str, str]
) -> Page:
    """The tasks at `place`, each with its list put in.

    A place is a list's id, its number among the lists, and a skip value.
    """
    at, skip = _whereabouts([one["id"] for one in lists], place)
    if at >= len(lists):
        return Page([], None)
    here = lists[at]
    found = page_of(await graph.get(path_of(here["id"]), wanted | skip), graph.transport.origin)
    rows = [{"task": task, "list": here} for task in found.rows]
    if found.following is not None:
        return Page(rows, {"list": here["id"], "at": str(at), **found.following})
    following = lists[at + 1 : at + 2]
    return Page(rows, {"list": following[0]["id"], "at": str(at + 1)} if following else None)


def _whereabouts(known: list[str], place: dict[str, str]) -> tuple[int, dict[str, str]]:
    """The number of the list at `place`, and the skip value in it."""
    here, at = place.get("list", ""), int(place.get("at", "0"))
    if here not in known:
        return at, {}  # the beginning, or the list is gone since: another one has its number
    skip = {name: value for name, value in place.items() if name not in {"list", "at"}}
    return known.index(here), skip
