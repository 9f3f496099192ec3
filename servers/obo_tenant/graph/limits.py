"""Exchange's limit on concurrency: four requests at a time per app and mailbox.

Source: Graph "throttling-limits", limits per mailbox.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from obo_tenant.graph.errors import over_concurrency

IN_FLIGHT = 4


class MailboxSlots:
    """Counts requests in flight; the one too many is refused, never queued."""

    def __init__(self, limit: int = IN_FLIGHT) -> None:
        self._limit = limit
        self._busy: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def taken(self, app: str, mailbox: str) -> Iterator[None]:
        """Hold a slot for the duration. Raises GraphError 429 when none is free."""
        key = (app, mailbox.casefold())
        if self._busy[key] >= self._limit:
            raise over_concurrency()
        self._busy[key] += 1
        try:
            yield
        finally:
            self._busy[key] -= 1
            if not self._busy[key]:
                del self._busy[key]
