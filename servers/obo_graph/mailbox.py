"""What we remember of a person for a while: time zone and mail domain. Nothing else."""

from datetime import UTC, tzinfo

from cachetools import TTLCache

from obo_graph.errors import GraphFailure
from obo_graph.gate import Person
from obo_graph.graph import PersonalGraph
from obo_graph.text import one_line
from obo_graph.zones import zone_named
from obo_mcp.clock import Clock

_KEPT_SECONDS = 3600
_KEPT_PEOPLE = 10_000
_NO_SETTINGS = frozenset({401, 403, 404})


class Mailboxes:
    """Time zones and mail domains by person, for an hour, for the last ten thousand people."""

    def __init__(self, clock: Clock) -> None:
        self._zones = TTLCache[Person, tzinfo](_KEPT_PEOPLE, _KEPT_SECONDS, clock.monotonic)
        self._domains = TTLCache[Person, str](_KEPT_PEOPLE, _KEPT_SECONDS, clock.monotonic)

    async def zone(self, graph: PersonalGraph) -> tzinfo:
        """The mailbox's time zone; UTC if we may not see it, or nobody knows its name.

        Raises:
            GraphFailure: Graph does not answer; a refusal is no reason to fail.
        """
        zone = self._zones.get(graph.person)
        if zone is None:
            zone = self._zones[graph.person] = await _zone(graph)
        return zone

    async def domain(self, graph: PersonalGraph) -> str:
        """The part of the person's own address behind the @; "" if they have none.

        Raises:
            GraphFailure: Graph does not answer; a refusal is no reason to fail.
        """
        domain = self._domains.get(graph.person)
        if domain is None:
            domain = self._domains[graph.person] = await _domain(graph)
        return domain


def zone_name(zone: tzinfo) -> str:
    """The IANA name of `zone`."""
    return "UTC" if zone is UTC else str(zone)


async def _zone(graph: PersonalGraph) -> tzinfo:
    try:
        settings = await graph.get("/me/mailboxSettings", {"$select": "timeZone"})
    except GraphFailure as failure:
        if failure.status not in _NO_SETTINGS:
            raise
        return UTC
    return zone_named(one_line(settings.get("timeZone"), 64)) or UTC


async def _domain(graph: PersonalGraph) -> str:
    try:
        me = await graph.get("/me", {"$select": "mail,userPrincipalName"})
    except GraphFailure as failure:
        if failure.status not in _NO_SETTINGS:
            raise
        return ""
    address = str(me.get("mail") or me.get("userPrincipalName") or "")
    return address.rpartition("@")[2].lower()
