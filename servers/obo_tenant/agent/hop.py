"""What the agent saw of each token on its way: everything but the token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from obo_tenant.agent.grant import Grant
from obo_tenant.agent.person import PersonId, person_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The person at the agent's door, with what their verified token said."""

    person: PersonId
    audience: str
    scope: str
    client: str
    expires_at: float

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Caller":
        """Read verified claims of an access token, v1 or v2.

        Raises:
            NoPerson: the token is app-only.
        """
        return cls(
            person=person_of(claims),
            audience=str(claims.get("aud", "")),
            scope=str(claims.get("scp", "")),
            client=str(claims.get("azp") or claims.get("appid") or ""),
            expires_at=float(claims.get("exp", 0)),
        )

    def fields(self, now: float) -> dict[str, Any]:
        """The same, as fields of a log entry."""
        return _fields(self.person, self.audience, self.scope, self.client, self.expires_at - now)

    def hop(self, now: float) -> dict[str, Any]:
        """The hop from the person's client to the agent."""
        return {"from": "client", "to": "agent", **_hop(self.fields(now), self.person)}


def grant_fields(grant: Grant, now: float) -> dict[str, Any]:
    """A grant as fields of a log entry."""
    remaining = grant.expires_at - now
    return _fields(grant.person, grant.audience, grant.scope, grant.client, remaining)


def server_hop(grant: Grant, now: float, how: str) -> dict[str, Any]:
    """The hop from the agent to the MCP server; `how` is stored or refreshed."""
    seen = _hop(grant_fields(grant, now), grant.person)
    return {"from": "agent", "to": "mcp-server", **seen, "token": how}


def _fields(
    person: PersonId, audience: str, scope: str, client: str, remaining: float
) -> dict[str, Any]:
    return {
        "person": person.key,
        "audience": audience,
        "scope": scope,
        "actor": client,
        "lifetime_seconds": max(0, int(remaining)),
    }


def _hop(fields: Mapping[str, Any], person: PersonId) -> dict[str, Any]:
    return {
        "person": person.key,
        "oid": person.oid,
        "audience": fields["audience"],
        "scope": fields["scope"],
        "client": fields["actor"],
        "remaining_seconds": fields["lifetime_seconds"],
    }
