"""Tasks: lists of To Do, and what Planner has for a person."""

import pytest

READ, WRITE = "Tasks.Read", "Tasks.ReadWrite"


def ask(graph, method, path, body=None, **more):
    return graph.send(method, path, body, **{"scopes": WRITE, **more})


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def default_list(graph, **more):
    lists = graph.every("/me/todo/lists", scopes=READ, **more)
    (found,) = [each for each in lists if each["wellknownListName"] == "defaultList"]
    return f"/me/todo/lists/{found['id']}/tasks"


def test_lists_hold_all_tasks_in_pages(graph):
    lists = graph.every("/me/todo/lists?$top=2", scopes=READ)
    assert len(lists) == 5
    total = 0
    for each in lists:
        path = f"/me/todo/lists/{each['id']}/tasks"
        whole = graph.every(f"{path}?$top=100", scopes=READ)
        assert graph.every(f"{path}?$top=3", scopes=READ) == whole
        assert ask(graph, "GET", f"{path}?$top=100&$skip=2").json()["value"] == whole[2:]
        total += len(whole)
    assert total > 55


def test_tasks_are_varied(graph):
    tasks = [
        task
        for each in graph.every("/me/todo/lists", scopes=READ)
        for task in graph.every(f"/me/todo/lists/{each['id']}/tasks?$top=100", scopes=READ)
    ]
    assert {each["status"] for each in tasks} == {
        "notStarted",
        "inProgress",
        "completed",
        "waitingOnOthers",
        "deferred",
    }
    for each in tasks:
        assert ("completedDateTime" in each) == (each["status"] == "completed")
    due = [each["dueDateTime"]["dateTime"] for each in tasks if "dueDateTime" in each]
    assert min(due) < "2026-11-18" < max(due)
    assert any("\u202e" in each["title"] for each in tasks)


def test_filter_by_state_shows_only_those(graph):
    path = default_list(graph)
    done = graph.every(f"{path}?$filter=status eq 'completed'", scopes=READ)
    left = graph.every(f"{path}?$filter=status ne 'completed'", scopes=READ)
    assert {each["status"] for each in done} == {"completed"}
    assert "completed" not in {each["status"] for each in left}
    assert len(done) + len(left) == len(graph.every(f"{path}?$top=100", scopes=READ))


def test_made_task_can_be_read_changed_and_finished(fresh_graph):
    path = default_list(fresh_graph)
    body = {
        "title": "Oil the door",
        "importance": "high",
        "body": {"content": "the blue one", "contentType": "text"},
        "dueDateTime": {"dateTime": "2026-12-01T00:00:00", "timeZone": "Pacific Standard Time"},
    }
    made = ask(fresh_graph, "POST", path, body)
    assert made.status_code == 201
    task = made.json()
    assert task["dueDateTime"]["dateTime"] == "2026-12-01T08:00:00.0000000"
    one = f"{path}/{task['id']}"
    assert ask(fresh_graph, "GET", one).json()["body"]["content"] == "the blue one"
    done = ask(fresh_graph, "PATCH", one, {"status": "completed"}).json()
    assert done["completedDateTime"]["dateTime"].startswith("2026-11-18")
    assert done["@odata.etag"] != task["@odata.etag"]
    again = {"status": "notStarted", "dueDateTime": None}
    opened = ask(fresh_graph, "PATCH", one, again).json()
    assert not {"completedDateTime", "dueDateTime"} & opened.keys()
    stale = ask(fresh_graph, "PATCH", one, {"title": "x"}, If_Match=task["@odata.etag"])
    assert error(stale) == (412, "ErrorIrresolvableConflict")
    assert ask(fresh_graph, "GET", one).json()["title"] == "Oil the door"
    assert ask(fresh_graph, "DELETE", one).status_code == 204
    assert error(ask(fresh_graph, "GET", one)) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize("path", ["", "/tasks", "/tasks/{id}"])
def test_select_is_refused(graph, path):
    tasks = default_list(graph)
    task = graph.every(tasks, scopes=READ)[0]["id"]
    whole = tasks.removesuffix("/tasks") + path.replace("{id}", task)
    assert ask(graph, "GET", f"{whole}?$select=id").status_code == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "ErrorPropertyValidationFailure"),
        ({"title": 3}, "RequestBodyRead"),
        ({"title": "x", "status": "done"}, "RequestBodyRead"),
        ({"title": "x", "due": "2026-12-01"}, "RequestBodyRead"),
        ({"title": "x", "dueDateTime": "2026-12-01"}, "RequestBodyRead"),
        ({"title": "x", "dueDateTime": {"dateTime": "2026-13-01"}}, "RequestBodyRead"),
    ],
)
def test_tasks_that_cannot_be_are_refused(graph, body, code):
    assert error(ask(graph, "POST", default_list(graph), body)) == (400, code)


def test_tasks_of_one_person_open_nothing_for_another(graph):
    path = default_list(graph)
    task = graph.every(path, scopes=READ)[0]["id"]
    other = default_list(graph, who="megan")
    for where in (path, f"{path}/{task}", f"{other}/{task}"):
        assert error(ask(graph, "GET", where, who="megan")) == (404, "ErrorItemNotFound")
    planned = graph.every("/me/planner/tasks", scopes=READ)[0]
    assert ask(graph, "GET", f"/planner/tasks/{planned['id']}", who="megan").status_code == 404
    mine = {"If_Match": planned["@odata.etag"]}
    patched = ask(graph, "PATCH", f"/planner/tasks/{planned['id']}", {}, who="megan", **mine)
    assert patched.status_code == 404


def test_planner_shows_work_in_all_states(graph):
    tasks = graph.every("/me/planner/tasks?$top=10", scopes=READ)
    assert len(tasks) == 25
    assert {each["percentComplete"] for each in tasks} == {0, 50, 100}
    for each in tasks:
        assert (each["completedDateTime"] is not None) == (each["percentComplete"] == 100)
    due = [each["dueDateTime"] for each in tasks if each["dueDateTime"]]
    assert min(due) < "2026-11-18" < max(due)


def test_planner_takes_changes_only_to_the_version_that_is_named(fresh_graph):
    tasks = fresh_graph.every("/me/planner/tasks", scopes=READ)
    task = next(each for each in tasks if each["percentComplete"] == 0)
    path, body = f"/planner/tasks/{task['id']}", {"percentComplete": 100}
    current = {"If_Match": task["@odata.etag"]}
    nameless = ask(fresh_graph, "PATCH", path, body)
    assert error(nameless) == (412, "")
    assert "If-Match header must be specified" in nameless.json()["error"]["message"]
    done = ask(fresh_graph, "PATCH", path, body, **current)
    assert (done.status_code, done.content) == (204, b"")
    assert error(ask(fresh_graph, "PATCH", path, body, **current)) == (412, "")
    shown = ask(fresh_graph, "GET", path).json()
    assert shown["percentComplete"] == 100
    assert shown["completedDateTime"].startswith("2026-11-18")
    whole = {"If_Match": shown["@odata.etag"], "Prefer": "return=representation"}
    renamed = ask(fresh_graph, "PATCH", path, {"title": "New"}, **whole)
    assert (renamed.status_code, renamed.json()["title"]) == (200, "New")


def test_notes_of_a_planned_task_have_a_version_of_their_own(fresh_graph):
    task = fresh_graph.every("/me/planner/tasks", scopes=READ)[0]
    path = f"/planner/tasks/{task['id']}"
    details = ask(fresh_graph, "GET", f"{path}/details").json()
    assert details["@odata.etag"] != task["@odata.etag"]
    body = {"description": "Bring gloves"}
    wrong = ask(fresh_graph, "PATCH", f"{path}/details", body, If_Match=task["@odata.etag"])
    assert error(wrong) == (412, "")
    right = {"If_Match": details["@odata.etag"]}
    assert ask(fresh_graph, "PATCH", f"{path}/details", body, **right).status_code == 204
    again = ask(fresh_graph, "PATCH", f"{path}/details", body, **right)
    assert error(again) == (412, "")
    assert ask(fresh_graph, "GET", f"{path}/details").json()["description"] == "Bring gloves"
    shown = ask(fresh_graph, "GET", path).json()
    assert (shown["hasDescription"], shown["@odata.etag"]) == (True, task["@odata.etag"])


@pytest.mark.parametrize(
    "body",
    [{"percentComplete": 101}, {"percentComplete": "all"}, {"id": "x"}, {"dueDateTime": "soon"}],
)
def test_planner_refuses_impossible_changes(graph, body):
    task = graph.every("/me/planner/tasks", scopes=READ)[0]
    path, version = f"/planner/tasks/{task['id']}", {"If_Match": task["@odata.etag"]}
    assert ask(graph, "PATCH", path, body, **version).status_code == 400


def test_writing_needs_its_scope(graph):
    path = default_list(graph)
    assert error(ask(graph, "POST", path, {"title": "x"}, scopes=READ))[0] == 403
    task = graph.every("/me/planner/tasks", scopes=READ)[0]
    refused = ask(graph, "PATCH", f"/planner/tasks/{task['id']}", {}, scopes=READ, If_Match="*")
    assert error(refused) == (403, "")
    assert error(ask(graph, "GET", path, scopes="Mail.Read")) == (403, "ErrorAccessDenied")
