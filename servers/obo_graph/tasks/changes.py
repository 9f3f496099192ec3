"""What `task_update` changes, in the words of To Do and of Planner."""

from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Literal

from obo_graph.errors import bad_argument
from obo_graph.shape.times import parse_day
from obo_graph.tasks import planner
from obo_graph.tasks.due import planner_due, todo_due
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json

Status = Literal["keep", "open", "done"]
YesNo = Literal["keep", "yes", "no"]

NO_DUE = "none"
"""The argument `due` that takes the day away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What shall be different about a task; what is left open stays."""

    status: Status
    title: str
    due: str
    notes: str
    important: YesNo
    day: date | None

    @classmethod
    def of(cls, *, status: Status, title: str, due: str, notes: str, important: YesNo) -> "Changes":
        """The changes that a model asked for.

        Raises:
            ToolError: there is none, or one is malformed.
        """
        day = parse_day("due", due) if due not in {"", NO_DUE} else None
        named = one_line(title, 1024)
        if title and not named:
            raise bad_argument("title", "holds no text")
        changes = cls(
            status=status,
            title=named,
            due=due,
            notes=clean(notes),
            important=important,
            day=day,
        )
        if not changes.shown():
            raise bad_argument("task_id", "is all there is; say what shall change")
        return changes

    def shown(self) -> Json:
        """What changes, in the words of the arguments."""
        given = {
            "status": self.status,
            "title": self.title,
            "due": self.due,
            "notes": self.notes[:200],
            "important": self.important,
        }
        return {name: value for name, value in given.items() if value not in {"", "keep"}}

    def for_todo(self, task: Json, zone: tzinfo) -> Json:
        """The body of a PATCH of this To Do `task`; {} if it is like that already."""
        body: Json = {}
        if self.title:
            body["title"] = self.title
        if self._turns(done=task.get("status") == "completed"):
            body["status"] = "completed" if self.status == "done" else "notStarted"
        if self.due:
            body["dueDateTime"] = todo_due(self.day, zone) if self.day else None
        if self.notes:
            body["body"] = {"content": self.notes, "contentType": "text"}
        if self.important != "keep":
            body["importance"] = "high" if self.important == "yes" else "normal"
        return body

    def for_planner(self, task: Json, zone: tzinfo) -> Json:
        """The body of a PATCH of this Planner `task`; its notes are not part of it."""
        body: Json = {}
        if self.title:
            body["title"] = self.title
        if self._turns(done=planner.is_done(task)):
            body["percentComplete"] = planner.DONE if self.status == "done" else 0
        if self.due:
            body["dueDateTime"] = planner_due(self.day, zone) if self.day else None
        if self.important != "keep":
            urgent = self.important == "yes"
            body["priority"] = planner.IMPORTANT if urgent else planner.ORDINARY
        return body

    def _turns(self, *, done: bool) -> bool:
        """Whether the status changes. What somebody has begun is open, and stays as it is."""
        return self.status == "done" or (self.status == "open" and done)
