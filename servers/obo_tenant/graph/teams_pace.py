"""How fast Teams lets itself be asked, where that is switched on.

Source: Graph "throttling-limits", Microsoft Teams service limits; the ones per chat and per person
are from reports. Each limit counts the requests of one second.
"""

from collections import OrderedDict
from typing import Literal

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.visit import Visit

Kind = Literal["list", "read", "send"]
_PER_SECOND: dict[Kind, int] = {"list": 1, "read": 1, "send": 20}
_KEPT = 1000


class TeamsPace:
    """Counts requests: lists per person, reads per chat, sent messages for the whole tenant."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[Kind, str, int], int] = OrderedDict()

    def step(self, visit: Visit, kind: Kind, what: str = "") -> None:
        """Count one request. Raises GraphError 429 for one too many in this second."""
        if not visit.quirks.teams_limits:
            return
        key = (kind, what, int(visit.now.timestamp()))
        self._seen[key] = self._seen.get(key, 0) + 1
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        if self._seen[key] > _PER_SECOND[kind]:
            headers = {"Retry-After": "1"}
            raise GraphError(429, "TooManyRequests", "TooManyRequests", headers=headers)
