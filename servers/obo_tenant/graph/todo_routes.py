"""To Do: lists and tasks are read, made and changed.

Sources: Graph "todo: list lists", "todoTaskList: list tasks", "create todoTask", "todoTask: get",
"update", "delete" pages. That `$select` is refused here is from reports, not from the pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from obo_tenant.graph.conditional import created, refuse_stale
from obo_tenant.graph.errors import GraphError, item_not_found
from obo_tenant.graph.event_body import item_body
from obo_tenant.graph.given import (
    as_flag,
    as_instant,
    as_list,
    as_text,
    invalid_property,
    one_of,
    own_members,
    read_object,
)
from obo_tenant.graph.ids import change_key, is_outlook_id, outlook_ids
from obo_tenant.graph.mailbox import Body
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import cut, page_size
from obo_tenant.graph.todo import STATES, TodoList, TodoTask
from obo_tenant.graph.todo_view import TASK_PROPERTIES, list_json, task_json
from obo_tenant.graph.visit import Visit, operations
from obo_tenant.graph.zones import date_time_time_zone

_PAGE, _LARGEST_PAGE = 20, 1000


def _text_of(name: str) -> Callable[[Any], str]:
    def read(task: TodoTask) -> str:
        moment = getattr(task, name)
        return date_time_time_zone(moment, "UTC")["dateTime"] if moment else ""

    return read


_TASK_FIELDS = fields(
    "todoTask",
    (
        Field("status", "Edm.String", lambda t: t.status),
        Field("importance", "Edm.String", lambda t: t.importance),
        Field("title", "Edm.String", lambda t: t.title),
        Field("createdDateTime", "Edm.DateTimeOffset", lambda t: t.created),
        Field("lastModifiedDateTime", "Edm.DateTimeOffset", lambda t: t.modified),
        Field("dueDateTime/dateTime", "Edm.String", _text_of("due")),
        Field("completedDateTime/dateTime", "Edm.String", _text_of("completed")),
    ),
)
_LIST_FIELDS = fields(
    "todoTaskList",
    (
        Field("displayName", "Edm.String", lambda each: each.name),
        Field("wellknownListName", "Edm.String", lambda each: each.known_as),
    ),
)


def list_lists(visit: Visit) -> Response:
    """The lists, the default one first."""
    _refuse_select(visit)
    found: list[Any] = list(visit.owner.todo.lists)
    if visit.options.filter is not None:
        found = list(filter(parse_filter(visit.options.filter, _LIST_FIELDS).matches, found))
    page = cut(found, visit.options, size=_size(visit), by="$skip")
    return visit.many(visit.mine("todo/lists"), page, [list_json(each) for each in page.items])


def get_list(visit: Visit) -> Response:
    """One list."""
    _refuse_select(visit)
    return visit.one(visit.mine("todo/lists/$entity"), list_json(_list(visit)))


def list_tasks(visit: Visit) -> Response:
    """The tasks of a list."""
    _refuse_select(visit)
    options = visit.options
    found: list[Any] = visit.owner.todo.tasks(_list(visit))
    if options.filter is not None:
        found = list(filter(parse_filter(options.filter, _TASK_FIELDS).matches, found))
    if options.order_by is not None:
        found = in_order(found, parse_order(options.order_by, _TASK_FIELDS))
    page = cut(found, options, size=_size(visit), by="$skip")
    shown = [task_json(each, visit.prefer) for each in page.items]
    total = len(found) if options.count else None
    return visit.many(_context(visit), page, shown, total)


def get_task(visit: Visit) -> Response:
    """One task."""
    _refuse_select(visit)
    return visit.one(f"{_context(visit)}/$entity", task_json(_task(visit), visit.prefer))


def create_task(visit: Visit) -> Response:
    """Make a task."""
    oid, key = visit.owner.profile.oid, uuid4().hex
    fields_given = _changes(visit)
    if not fields_given.get("title"):
        raise invalid_property()
    blank = TodoTask(
        id=outlook_ids(oid, "task", key).default,
        change_key=change_key(oid, f"task {key}"),
        list_id=_list(visit).id,
        title="",
        body=Body(""),
        created=visit.now,
        modified=visit.now,
    )
    task = _finished(replace(blank, **fields_given), visit)
    visit.owner.todo.put(task)
    shown = task_json(task, visit.prefer)
    return created(f"{_context(visit)}/$entity", shown, etag=task.change_key)


def update_task(visit: Visit) -> Response:
    """Change a task."""
    task = _task(visit)
    refuse_stale(visit, task.change_key)
    version = change_key(visit.owner.profile.oid, task.change_key)
    changed = replace(task, **_changes(visit), modified=visit.now, change_key=version)
    changed = _finished(changed, visit)
    visit.owner.todo.put(changed)
    return visit.one(f"{_context(visit)}/$entity", task_json(changed, visit.prefer))


def delete_task(visit: Visit) -> Response:
    """Take a task out of its list."""
    visit.owner.todo.remove(_task(visit))
    return Response(status_code=204)


def _finished(task: TodoTask, visit: Visit) -> TodoTask:
    if task.status != "completed":
        return replace(task, completed=None)
    return task if task.completed else replace(task, completed=visit.now)


def _date(field: str) -> Callable[[object], dict[str, Any]]:
    return lambda value: {field: None if value is None else as_instant(value)}


_READERS: Mapping[str, Callable[[object], dict[str, Any]]] = {
    "title": lambda value: {"title": as_text(value, longest=1024)},
    "body": lambda value: {"body": item_body(value)},
    "importance": lambda value: {"importance": one_of(value, ("low", "normal", "high"))},
    "status": lambda value: {"status": one_of(value, STATES)},
    "categories": lambda value: {"categories": tuple(as_text(each) for each in as_list(value))},
    "dueDateTime": _date("due"),
    "startDateTime": _date("start"),
    "reminderDateTime": _date("reminder"),
    "completedDateTime": _date("completed"),
    "isReminderOn": lambda value: {} if as_flag(value) else {"reminder": None},
}


def _changes(visit: Visit) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    given = own_members(read_object(visit.body), TASK_PROPERTIES, "todoTask")
    for name, value in given.items():
        if name in _READERS:
            changes.update(_READERS[name](value))
    return changes


def _refuse_select(visit: Visit) -> None:
    if visit.options.select:
        raise GraphError(
            400, "RequestBroker--ParseUri", "The query option '$select' is not supported here."
        )


def _size(visit: Visit) -> int:
    return page_size(visit.options, default=_PAGE, maximum=_LARGEST_PAGE, preferred=None)


def _context(visit: Visit) -> str:
    return visit.mine(f"todo/lists('{visit.variables['list']}')/tasks")


def _list(visit: Visit) -> TodoList:
    found = visit.owner.todo.named(visit.variables["list"])
    if found is None:
        raise _missing(visit.variables["list"])
    return found


def _task(visit: Visit) -> TodoTask:
    name = visit.variables["task"]
    found = visit.owner.todo.task(_list(visit), name)
    if found is None:
        raise _missing(name)
    return found


def _missing(name: str) -> GraphError:
    if is_outlook_id(name):
        return item_not_found("tasks")
    return GraphError(400, "invalidRequest", "Invalid request")


_READ, _WRITE = "Tasks.Read Tasks.ReadWrite", "Tasks.ReadWrite"
_ONE = "todo/lists/{list}/tasks/{task}"
OPERATIONS = (
    *operations(
        "tasks",
        _READ,
        ("todo/lists", list_lists),
        ("todo/lists/{list}", get_list),
        ("todo/lists/{list}/tasks", list_tasks),
        (_ONE, get_task),
    ),
    *operations("tasks", _WRITE, ("todo/lists/{list}/tasks", create_task), method="POST"),
    *operations("tasks", _WRITE, (_ONE, update_task), method="PATCH"),
    *operations("tasks", _WRITE, (_ONE, delete_task), method="DELETE"),
)
