"""At most four requests at once for one mailbox: Exchange refuses the fifth.

Graph, "Throttling limits", Outlook service: four concurrent requests per app and mailbox.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

Person = tuple[str, str]
"""Tenant id and object id: who somebody is, for ever."""


@dataclass(slots=True)
class _Lane:
    width: anyio.Semaphore
    users: int = field(default=0)


class MailboxGate:
    """Lanes by person. It remembers only people with a request under way, so it stays small."""

    def __init__(self, width: int = 4) -> None:
        self._width = width
        self._lanes: dict[Person, _Lane] = {}

    def __len__(self) -> int:
        """How many people have a request under way or waiting."""
        return len(self._lanes)

    @asynccontextmanager
    async def slot(self, person: Person) -> AsyncIterator[None]:
        """Wait for a free place in this person's lane, and hold it."""
        lane = self._lanes.setdefault(person, _Lane(anyio.Semaphore(self._width)))
        lane.users += 1
        try:
            async with lane.width:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[person]
