"""Tasks of plans that are assigned to a person. Source: Graph "plannerTask" resource type."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerTask:
    """One task; `percent` is 0, 100 or anything between for work in progress."""

    id: str
    version: int
    plan_id: str
    bucket_id: str
    title: str
    author: str
    assignees: tuple[str, ...]
    created: datetime
    percent: int = 0
    priority: int = 5
    start: datetime | None = None
    due: datetime | None = None
    completed: datetime | None = None
    description: str = ""
    details_version: int = 1

    @property
    def etag(self) -> str:
        """The entity tag of this version, with its `W/`."""
        return f'W/"JzEtVGFzayAgQEBAQEBAQEBAQEBAQEB{self.version:04d}Jw=="'

    @property
    def details_etag(self) -> str:
        """The entity tag of its details, which have versions of their own."""
        return f'W/"JzEtVGFza0RldGFpbHMgQEBAQEBAQEB{self.details_version:04d}Jw=="'


class PlannerTasks:
    """All tasks of one person."""

    def __init__(self, tasks: Iterable[PlannerTask]) -> None:
        self._tasks = {each.id: each for each in tasks}

    def all(self) -> list[PlannerTask]:
        """In the order in which they were made."""
        return list(self._tasks.values())

    def find(self, task_id: str) -> PlannerTask | None:
        """The task with this id."""
        return self._tasks.get(task_id)

    def put(self, task: PlannerTask) -> None:
        """Put a task in the place of the one with its id."""
        self._tasks[task.id] = task
