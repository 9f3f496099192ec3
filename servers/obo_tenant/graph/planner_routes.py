"""Planner: the caller's tasks, and changes to them that must name the version they change.

Sources: Graph "plannerUser: list tasks", "plannerTask: get", "plannerTask: update", "planner
overview" (common errors; Planner's own errors come without a code).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.given import as_number, as_text, invalid_property, own_members, read_object
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.planner import PlannerTask
from obo_tenant.graph.visit import Visit, operations
from obo_tenant.graph.zones import utc_text

PLANNER_PROPERTIES = (
    "planId", "bucketId", "title", "orderHint", "assigneePriority", "percentComplete",
    "startDateTime", "createdDateTime", "dueDateTime", "hasDescription", "previewType",
    "completedDateTime", "completedBy", "referenceCount", "checklistItemCount",
    "activeChecklistItemCount", "conversationThreadId", "priority", "id", "createdBy",
    "appliedCategories", "assignments",
)  # fmt: skip
DETAILS_PROPERTIES = ("description", "previewType", "id", "references", "checklist")
_DETAILS = "planner/tasks/details/$entity"
_ALWAYS = ("@odata.etag", "id")


def list_tasks(visit: Visit) -> Response:
    """The tasks that are assigned to the caller."""
    options = visit.options
    check_names(options.select, PLANNER_PROPERTIES, "plannerTask")
    if options.filter is not None or options.order_by is not None or options.search is not None:
        raise GraphError(400, "", "The query options of the request are not supported.")
    size = page_size(options, default=400, maximum=400, preferred=None)
    page = cut(visit.owner.planner.all(), options, size=size, by="$skiptoken")
    shown = [show(_json(each), options.select, always=_ALWAYS) for each in page.items]
    return visit.many(visit.mine("planner/tasks"), page, shown)


def get_task(visit: Visit) -> Response:
    """One task."""
    check_names(visit.options.select, PLANNER_PROPERTIES, "plannerTask")
    shown = show(_json(_task(visit)), visit.options.select, always=_ALWAYS)
    return visit.one(visit.context("planner/tasks/$entity"), shown)


def update_task(visit: Visit) -> Response:
    """Change a task; the answer is empty unless `Prefer: return=representation` was sent."""
    task = _task(visit)
    _refuse_other_version(visit, task.etag)
    given = own_members(read_object(visit.body), PLANNER_PROPERTIES, "plannerTask")
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _READERS:
            raise bad_request(f"The property '{name}' of a task cannot be changed.")
        changes.update(_READERS[name](value))
    changed = replace(task, **changes, version=task.version + 1)
    done = (changed.completed or visit.now) if changed.percent == 100 else None
    changed = replace(changed, completed=done)
    visit.owner.planner.put(changed)
    if "return=representation" in visit.headers.get("prefer", ""):
        return visit.one(visit.context("planner/tasks/$entity"), _json(changed))
    return Response(status_code=204)


def get_details(visit: Visit) -> Response:
    """The notes of a task."""
    return visit.one(visit.context(_DETAILS), _details(_task(visit)))


def update_details(visit: Visit) -> Response:
    """Change the notes of a task; for the version and the answer see `update_task`."""
    task = _task(visit)
    _refuse_other_version(visit, task.details_etag)
    given = own_members(read_object(visit.body), DETAILS_PROPERTIES, "plannerTaskDetails")
    text = as_text(given.get("description", task.description))
    changed = replace(task, description=text, details_version=task.details_version + 1)
    visit.owner.planner.put(changed)
    if "return=representation" in visit.headers.get("prefer", ""):
        return visit.one(visit.context(_DETAILS), _details(changed))
    return Response(status_code=204)


def _details(task: PlannerTask) -> dict[str, Any]:
    return {
        "@odata.etag": task.details_etag,
        "description": task.description,
        "previewType": "automatic",
        "id": task.id,
        "references": {},
        "checklist": {},
    }


def _refuse_other_version(visit: Visit, etag: str) -> None:
    given = visit.headers.get("if-match")
    if given is None:
        message = "The If-Match header must be specified for this kind of request."
        raise GraphError(412, "", message)
    if given.strip() not in ("*", etag):
        raise GraphError(
            412,
            "",
            "The attempted changes conflict with changes that were made in the meantime: the "
            "etag in If-Match is not the current one.",
        )


def _task(visit: Visit) -> PlannerTask:
    found = visit.owner.planner.find(visit.variables["task"])
    if found is None:
        raise GraphError(404, "", "The requested item is not found.")
    return found


def _json(task: PlannerTask) -> dict[str, Any]:
    return {
        "@odata.etag": task.etag,
        "planId": task.plan_id,
        "bucketId": task.bucket_id,
        "title": task.title,
        "orderHint": "8585:",
        "assigneePriority": "8585:",
        "percentComplete": task.percent,
        "startDateTime": _optional(task.start),
        "createdDateTime": utc_text(task.created),
        "dueDateTime": _optional(task.due),
        "hasDescription": bool(task.description),
        "previewType": "automatic",
        "completedDateTime": _optional(task.completed),
        "completedBy": _identity(task.assignees[0]) if task.completed else None,
        "referenceCount": 0,
        "checklistItemCount": 0,
        "activeChecklistItemCount": 0,
        "conversationThreadId": None,
        "priority": task.priority,
        "id": task.id,
        "createdBy": _identity(task.author),
        "appliedCategories": {},
        "assignments": {oid: _assignment(task) for oid in task.assignees},
    }


def _assignment(task: PlannerTask) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.plannerAssignment",
        "assignedDateTime": utc_text(task.created),
        "orderHint": "8585:",
        "assignedBy": _identity(task.author),
    }


def _identity(oid: str) -> dict[str, Any]:
    return {"user": {"displayName": None, "id": oid}}


def _optional(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


def _moment(field: str) -> Callable[[object], dict[str, Any]]:
    def read(value: object) -> dict[str, Any]:
        if value is None:
            return {field: None}
        try:
            found = datetime.fromisoformat(as_text(value))
        except ValueError as flaw:
            raise invalid_property() from flaw
        if not 1970 <= found.year < 2100:
            raise invalid_property()
        return {field: found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)}

    return read


_READERS: Mapping[str, Callable[[object], dict[str, Any]]] = {
    "title": lambda value: {"title": as_text(value, longest=255)},
    "percentComplete": lambda value: {"percent": as_number(value, 0, 100)},
    "priority": lambda value: {"priority": as_number(value, 0, 10)},
    "startDateTime": _moment("start"),
    "dueDateTime": _moment("due"),
}
_READ, _WRITE = "Tasks.Read Tasks.ReadWrite Group.Read.All Group.ReadWrite.All", "Tasks.ReadWrite"
_ONE = "planner/tasks/{task}"
OPERATIONS = (
    *operations("planner", _READ, ("planner/tasks", list_tasks)),
    *operations("planner", _READ, (_ONE, get_task), (f"{_ONE}/details", get_details), below=""),
    *operations("planner", _WRITE, (_ONE, update_task), below="", method="PATCH"),
    *operations("planner", _WRITE, (f"{_ONE}/details", update_details), below="", method="PATCH"),
)
