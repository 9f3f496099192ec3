"""What the connection holds for one person after consent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from obo_tenant.agent.person import PersonId, claims_unverified, person_of

REFRESH_BELOW_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One person's delegated token for the MCP server. Its repr shows no token."""

    person: PersonId
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float
    audience: str
    scope: str
    client: str

    def remaining_seconds(self, now: float) -> int:
        """Whole seconds until the access token expires; never negative."""
        return max(0, int(self.expires_at - now))

    def is_fresh(self, now: float) -> bool:
        """Whether the access token lasts long enough to start a call with it."""
        return self.expires_at - now >= REFRESH_BELOW_SECONDS

    def spent(self) -> "Grant":
        """The same grant, to be refreshed before its next use."""
        return replace(self, expires_at=0.0)


def grant_from(answer: Mapping[str, Any], now: float, previous: Grant | None = None) -> Grant:
    """Read a token endpoint's success answer (RFC 6749 section 5.1).

    A refresh that returns no new refresh token keeps the one it used (section 6).

    Raises:
        ValueError: a member is missing or the token cannot be read.
        NoPerson: the token is app-only.
    """
    token, lifetime = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not isinstance(lifetime, int | float):
        raise ValueError("The token endpoint answered without access_token or expires_in.")  # noqa: TRY004 - a malformed answer, not a wrong call
    claims = claims_unverified(token)
    kept = previous.refresh_token if previous else None
    return Grant(
        person=person_of(claims),
        access_token=token,
        refresh_token=answer.get("refresh_token") or kept,
        expires_at=now + lifetime,
        audience=str(claims.get("aud", "")),
        scope=str(claims.get("scp", "")),
        client=str(claims.get("azp") or claims.get("appid") or ""),
    )
