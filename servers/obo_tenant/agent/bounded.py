"""A dictionary that cannot grow without end."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Keeps at most `limit` entries; the one written longest ago makes room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value kept for `key`, or None."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep `value`, as the newest entry."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def take(self, key: K) -> V | None:
        """Remove and give back the value kept for `key`, or None."""
        return self._entries.pop(key, None)
