"""What each hop of one question saw, put together from what its two ends reported."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx

_LONG = re.compile(r"(?<=/)[^/]{20,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a token's way. `lifetime_seconds` is what was left of the token it carried."""

    sender: str
    receiver: str
    person: str
    audience: str
    scope: str
    actor: str
    lifetime_seconds: int | None
    how: str
    milliseconds: float | None

    def as_json(self) -> dict[str, Any]:
        """The hop as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Names:
    """Readable names for the ids that tokens carry."""

    apps: Mapping[str, str]
    people: Mapping[str, str]

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "Names":
        """Read them from what the tenant tells about itself."""
        apps = {app["client_id"]: name for name, app in about["apps"].items()}
        apps |= {f"api://{client_id}": name for client_id, name in apps.items()}
        people = about["people"].items()
        named = {person["oid"]: person["name"] for _, person in people}
        return cls(apps, named | {key: person["name"] for key, person in people})

    def app(self, client_id: str | None) -> str:
        """An application's name, or its id."""
        return self.apps.get(client_id or "", client_id or "-")

    def person(self, oid_or_key: str | None) -> str:
        """A person's name, by object id or by the tenant's short name; else what was given."""
        return self.people.get(oid_or_key or "", oid_or_key or "-")

    def audience(self, audience: str | None) -> str:
        """A resource's name where the audience is an application's id."""
        return self.apps.get(audience or "", audience or "-")


def agent_hops(hops: Iterable[Mapping[str, Any]], names: Names) -> list[Hop]:
    """The two hops that the agent saw: the person's client to it, and it to the MCP server."""
    return [
        Hop(
            sender=names.app(hop["client"]) if hop["to"] == "agent" else "agent",
            receiver=hop["to"],
            person=names.person(hop["oid"]),
            audience=names.audience(hop["audience"]),
            scope=hop["scope"],
            actor=names.app(hop["client"]),
            lifetime_seconds=hop["remaining_seconds"],
            how=hop.get("token", "presented"),
            milliseconds=hop.get("milliseconds"),
        )
        for hop in hops
    ]


def sign_in_hops(log: Iterable[Mapping[str, Any]], names: Names) -> list[Hop]:
    """The tokens that a client got for a person who signed in."""
    return [
        Hop(
            sender=names.app(entry["client_id"]),
            receiver="token endpoint",
            person=names.person(entry["person"]),
            audience=names.audience(entry["audience"]),
            scope=entry["scope"],
            actor=names.app(entry["client_id"]),
            lifetime_seconds=entry["lifetime_seconds"],
            how=entry["grant"],
            milliseconds=entry["milliseconds"],
        )
        for entry in log
        if entry["where"] == "token" and entry["status"] == httpx.codes.OK
    ]


def server_hops(
    events: Sequence[Mapping[str, Any]], log: Sequence[Mapping[str, Any]], names: Names
) -> list[Hop]:
    """What the MCP server did next: exchanges or cache hits, then its requests to Graph."""
    issued = {entry["client_request_id"]: entry for entry in log if entry["where"] == "token"}
    left = next(
        (event["lifetime_seconds"] for event in events if "lifetime_seconds" in event), None
    )
    traded = [_trade(event, issued.get(event["correlation_id"], {}), names) for event in events]
    return traded + [_graph(entry, left, names) for entry in log if entry["where"] == "graph"]


def _trade(event: Mapping[str, Any], issued: Mapping[str, Any], names: Names) -> Hop:
    exchanged = event["outcome"] != "cache"
    outcome = {"cache": "cached", "exchange": "exchanged"}.get(event["outcome"], event["outcome"])
    return Hop(
        sender="mcp-server",
        receiver="token endpoint" if exchanged else "own cache",
        person=names.person(event["oid"]),
        audience=event["resource"],
        scope=issued.get("scope") or event["scope"],
        actor="mcp-server",
        lifetime_seconds=event.get("lifetime_seconds"),
        how=outcome,
        milliseconds=event["milliseconds"],
    )


def _graph(entry: Mapping[str, Any], left: int | None, names: Names) -> Hop:
    """A request to Graph, with the token that was just handed out; a download carries none."""
    bare = not entry["client_id"]
    return Hop(
        sender="mcp-server",
        receiver=f"Graph {entry['method']} {_LONG.sub('…', entry['path'].removeprefix('/v1.0'))}",
        person=names.person(entry["person"]),
        audience="(no token)" if bare else "https://graph.microsoft.com",
        scope=entry["scope"] or "-",
        actor=names.app(entry["client_id"]),
        lifetime_seconds=None if bare else left,
        how=str(entry["status"]),
        milliseconds=entry["milliseconds"],
    )
