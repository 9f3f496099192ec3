"""A task list and a task as Graph's JSON.

Source: Graph "todoTaskList" and "todoTask" resource types.
"""

from typing import Any

from obo_tenant.graph.mail_view import body_json
from obo_tenant.graph.prefer import Preferences
from obo_tenant.graph.todo import TodoList, TodoTask
from obo_tenant.graph.zones import date_time_time_zone, utc_text

TASK_PROPERTIES = (
    "id", "importance", "isReminderOn", "status", "title", "createdDateTime",
    "lastModifiedDateTime", "bodyLastModifiedDateTime", "hasAttachments", "categories", "body",
    "dueDateTime", "startDateTime", "reminderDateTime", "completedDateTime", "recurrence",
    "linkedResources", "checklistItems",
)  # fmt: skip
_DATES = ("due", "start", "reminder", "completed")


def list_json(listed: TodoList) -> dict[str, Any]:
    """All properties of a list."""
    return {
        "@odata.etag": f'W/"{listed.change_key}"',
        "id": listed.id,
        "displayName": listed.name,
        "isOwner": True,
        "isShared": False,
        "wellknownListName": listed.known_as,
    }


def task_json(task: TodoTask, prefer: Preferences) -> dict[str, Any]:
    """All properties of a task; dates that are not set are left out, as Graph does."""
    shown: dict[str, Any] = {
        "@odata.etag": f'W/"{task.change_key}"',
        "importance": task.importance,
        "isReminderOn": task.reminder is not None,
        "status": task.status,
        "title": task.title,
        "createdDateTime": utc_text(task.created),
        "lastModifiedDateTime": utc_text(task.modified),
        "bodyLastModifiedDateTime": utc_text(task.modified),
        "hasAttachments": False,
        "categories": list(task.categories),
        "id": task.id,
        "body": body_json(task.body, prefer),
    }
    for name in _DATES:
        moment = getattr(task, name)
        if moment is not None:
            shown[f"{name}DateTime"] = date_time_time_zone(moment, prefer.time_zone)
    return shown
