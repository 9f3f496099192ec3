"""A person's task lists. Source: Graph "todoTaskList" and "todoTask" resource types."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from obo_tenant.graph.mailbox import Body

DEFAULT_LIST = "defaultList"
STATES = ("notStarted", "inProgress", "completed", "waitingOnOthers", "deferred")


@dataclass(frozen=True, slots=True, kw_only=True)
class TodoTask:
    """One task; `due`, `start` and `reminder` are instants."""

    id: str
    change_key: str
    list_id: str
    title: str
    body: Body
    created: datetime
    modified: datetime
    status: str = "notStarted"
    importance: str = "normal"
    due: datetime | None = None
    start: datetime | None = None
    reminder: datetime | None = None
    completed: datetime | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TodoList:
    """A list; `known_as` is `defaultList`, `flaggedEmails` or `none`."""

    id: str
    change_key: str
    name: str
    known_as: str = "none"


class TodoLists:
    """All lists of one person with their tasks, newest first."""

    def __init__(self, lists: Iterable[TodoList], tasks: Iterable[TodoTask]) -> None:
        self.lists = tuple(lists)
        ordered = sorted(tasks, key=lambda each: each.created)
        self._tasks = {each.id: each for each in ordered}

    def named(self, name: str) -> TodoList | None:
        """The list with this id; `tasks` is the default one."""
        return next((each for each in self.lists if name == each.id or _known(each, name)), None)

    def tasks(self, within: TodoList) -> list[TodoTask]:
        """The tasks of one list, newest first."""
        return [each for each in reversed(self._tasks.values()) if each.list_id == within.id]

    def task(self, within: TodoList, task_id: str) -> TodoTask | None:
        """The task with this id if it is in this list."""
        found = self._tasks.get(task_id)
        return found if found is not None and found.list_id == within.id else None

    def put(self, task: TodoTask) -> None:
        """Add a task or put it in the place of the one with its id."""
        self._tasks[task.id] = task

    def remove(self, task: TodoTask) -> None:
        """Take a task out."""
        self._tasks.pop(task.id, None)


def _known(listed: TodoList, name: str) -> bool:
    return name.casefold() == "tasks" and listed.known_as == DEFAULT_LIST
