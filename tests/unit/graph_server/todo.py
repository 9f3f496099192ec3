"""To Do and Planner as Graph tells them."""

LISTS = "/v1.0/me/todo/lists"


def task_list(number=1, name="Tasks", wellknown="none"):
    return {
        "@odata.etag": 'W/"1"',
        "id": f"AAMkL{number}=",
        "displayName": name,
        "isOwner": True,
        "wellknownListName": wellknown,
    }


DEFAULT = task_list(1, "Tasks", "defaultList")
SHOPPING = task_list(2, "Shopping")


def tasks_of(task_list):
    return f"{LISTS}/{task_list['id']}/tasks"


def task(number=1, **changes):
    return {
        "@odata.etag": 'W/"2"',
        "id": f"AAMkT{number}=",
        "title": f"Write report {number}",
        "status": "notStarted",
        "importance": "normal",
        "body": {"content": "", "contentType": "text"},
    } | changes


def planned(number=1, **changes):
    return {
        "@odata.etag": 'W/"JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBAWCc="',
        "id": f"hsOf2dhOJkqyYYZEtdzDe2QAIU{number:02}",
        "planId": "xqQg5FS2LkCp935s-FIFm2QAFkHM",
        "title": f"Ship part {number}",
        "percentComplete": 0,
        "priority": 5,
        "hasDescription": False,
    } | changes
