"""The tenant's log: one entry per request that matters, never a token or a secret."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from obo_tenant.clock import Clock
from obo_tenant.directory import Directory

_MOST_KEPT = 20_000
_LONGEST_TEXT = 256
_LONGEST_SCOPE = 4096  # every permission of Graph, each in full

Where = Literal["token", "authorize", "devicecode", "keys", "graph", "agent", "platform", "vault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request. `person` is a short name, `client_name` an app's short name, `actor` the client
    in the user assertion's `azp`, `error` an OAuth or Graph error with its code, `claims` the kind
    of a `claims` parameter ("cp1", "challenge", both, "other", "malformed"). A person, client
    or actor that the directory does not know is "unknown", whatever was sent.
    """

    n: int
    at: float
    where: Where
    method: str | None = None
    path: str | None = None
    status: int | None = None
    milliseconds: float | None = None
    client_id: str | None = None
    client_name: str | None = None
    person: str | None = None
    grant: str | None = None
    audience: str | None = None
    scope: str | None = None
    actor: str | None = None
    claims: str | None = None
    lifetime_seconds: int | None = None
    error: str | None = None
    correlation_id: str | None = None
    client_request_id: str | None = None


class Log:
    """The latest entries, numbered from 0 for as long as the tenants run.

    The first of `directories` knows every application.
    """

    def __init__(self, directories: Sequence[Directory], clock: Clock) -> None:
        self._directories = directories
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=_MOST_KEPT)
        self._next = 0
        self._lock = threading.Lock()

    def record(self, **fields: Any) -> None:
        """Append an entry with the fields of `Entry`, without `n` and `at`.

        An object id as `person` becomes the short name; `client_name` follows from `client_id`.
        Longer texts than any of ours are cut.

        Raises:
            TypeError: a field that `Entry` does not have.
        """
        named = {name: _bounded(name, value) for name, value in fields.items()}
        client = self._directories[0].app_by_id(fields.get("client_id"))
        actor = self._directories[0].app_by_id(fields.get("actor"))
        named |= {
            "person": self._person(fields.get("person")),
            "client_id": client.client_id if client else _unknown(fields.get("client_id")),
            "client_name": client.name if client else None,
            "actor": actor.name if actor else _unknown(fields.get("actor")),
        }
        with self._lock:
            self._entries.append(Entry(n=self._next, at=self._clock(), **named))
            self._next += 1

    def since(self, number: int) -> dict[str, Any]:
        """The entries numbered `number` and above, and the number that comes next."""
        with self._lock:
            entries = [asdict(entry) for entry in self._entries if entry.n >= number]
            return {"next": self._next, "entries": entries}

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        with self._lock:
            self._entries.clear()

    def _person(self, who: object) -> str | None:
        for directory in self._directories:
            account = directory.account_by_oid(who) or directory.account(str(who))
            if account is not None:
                return account.person.key
        return _unknown(who)


def _unknown(sent: object) -> str | None:
    return "unknown" if sent else None


def _bounded(name: str, value: Any) -> Any:
    longest = _LONGEST_SCOPE if name == "scope" else _LONGEST_TEXT
    return value[:longest] if isinstance(value, str) else value
