"""What we remember of a person for a while: time zone and mail domain. Nothing else."""

from collections.abc import Awaitable, Callable
from datetime import UTC, tzinfo
from typing import Generic, TypeVar

from cachetools import TTLCache

from obo_graph.errors import GraphFailure
from obo_graph.shape.zones import zone_named
from obo_graph.text import one_line
from obo_graph.wire.gate import Person
from obo_graph.wire.graph import PersonalGraph
from obo_mcp.clock import Clock

_KEPT_SECONDS = 3600
_REFUSED_SECONDS = 60
_KEPT_PEOPLE = 10_000
_NO_SETTINGS = frozenset({403, 404})

Fact = TypeVar("Fact")


class Mailboxes:
    """Time zones and mail domains by person, for an hour, for the last ten thousand people.

    A refusal is remembered for a minute only: a grant or a new mailbox ends it.
    """

    def __init__(self, clock: Clock) -> None:
        self._zones = _Memory[tzinfo](clock, _zone, UTC)
        self._domains = _Memory[str](clock, _domain, "")

    async def zone(self, graph: PersonalGraph) -> tzinfo:
        """The mailbox's time zone; UTC if we may not see it, or nobody knows its name.

        Raises:
            GraphFailure: Graph does not answer or wants a new sign-in; a refusal is no reason
                to fail.
        """
        return await self._zones.of(graph)

    async def domain(self, graph: PersonalGraph) -> str:
        """The part of the person's own address behind the @; "" if they have none.

        Raises:
            GraphFailure: Graph does not answer or wants a new sign-in; a refusal is no reason
                to fail.
        """
        return await self._domains.of(graph)


class _Memory(Generic[Fact]):
    def __init__(
        self, clock: Clock, ask: Callable[[PersonalGraph], Awaitable[Fact]], otherwise: Fact
    ) -> None:
        self._ask = ask
        self._otherwise = otherwise
        self._known = TTLCache[Person, Fact](_KEPT_PEOPLE, _KEPT_SECONDS, clock.monotonic)
        self._refused = TTLCache[Person, bool](_KEPT_PEOPLE, _REFUSED_SECONDS, clock.monotonic)

    async def of(self, graph: PersonalGraph) -> Fact:
        known = self._known.get(graph.person)
        if known is not None:
            return known
        if graph.person in self._refused:
            return self._otherwise
        try:
            fact = self._known[graph.person] = await self._ask(graph)
        except GraphFailure as failure:
            if failure.status not in _NO_SETTINGS:
                raise
            self._refused[graph.person] = True
            return self._otherwise
        return fact


def zone_name(zone: tzinfo) -> str:
    """The IANA name of `zone`."""
    return "UTC" if zone is UTC else str(zone)


async def _zone(graph: PersonalGraph) -> tzinfo:
    settings = await graph.get("/me/mailboxSettings", {"$select": "timeZone"})
    return zone_named(one_line(settings.get("timeZone"), 64)) or UTC


async def _domain(graph: PersonalGraph) -> str:
    me = await graph.get("/me", {"$select": "mail,userPrincipalName"})
    address = str(me.get("mail") or me.get("userPrincipalName") or "")
    return address.rpartition("@")[2].lower()
