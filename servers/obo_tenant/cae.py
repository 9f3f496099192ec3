"""Continuous access evaluation: tokens that live for a day, and how Graph takes one back.

Entra, "How to use continuous access evaluation enabled APIs in your applications" and "Claims
challenges, claims requests and client capabilities". Only a token whose client declared "cp1" can
be taken back; others count until they end.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from obo_tenant.apps import GRAPH_ID
from obo_tenant.claims import ClaimsRequest
from obo_tenant.graph.errors import ClaimsChallenge
from obo_tenant.mint import LONGEST_SECONDS, SHORTEST_SECONDS
from obo_tenant.refusal import Refusal

_SHORTEST, _LONGEST = 20 * 3600, 28 * 3600
_SOON_SECONDS = 300
_ADDRESS = "203.0.113.10"  # where the call came from, as the resource saw it
_REASONS: MappingProxyType[str, str] = MappingProxyType(
    {
        "revoked": "TokenIssuedBeforeRevocationTimestamp",
        "policies": "TokenCreatedWithOutdatedPolicies",
        "location": "LocationConditionEvaluationSatisfied",
    }
)
REASONS = tuple(_REASONS)
EXCHANGES = ("works", "revoked", "interaction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """From `at` (Unix seconds) on, a person's tokens must be newer; `reason` is one of `REASONS`.

    `exchange` is one of `EXCHANGES`: what an on-behalf-of exchange of an older user assertion does.
    """

    at: int
    reason: str
    exchange: str = "works"

    @property
    def claims(self) -> str:
        """The challenge, as Graph writes it."""
        wanted: dict[str, Any] = {"nbf": {"essential": True, "value": str(self.at)}}
        if self.reason == "location":
            wanted["xms_rp_ipaddr"] = {"value": _ADDRESS}
        return json.dumps({"access_token": wanted}, separators=(",", ":"))

    def check_resource(self, claims: Mapping[str, Any]) -> None:
        """Raises ClaimsChallenge for a token of a capable client that is older than this."""
        if is_capable(claims) and _older(claims.get("nbf"), self.at):
            words = (
                "Continuous access evaluation resulted in challenge with result:"
                f" InteractionRequired and code: {_REASONS[self.reason]}"
            )
            raise ClaimsChallenge(words, self.claims)

    def check_assertion(self, not_before: object) -> None:
        """Raises Refusal 50173 with the challenge where an older user assertion is not enough.

        That Entra names the challenge there is an inference from Graph's; see `Policy` for the two
        OAuth errors.
        """
        if self.exchange == "interaction" and _older(not_before, self.at):
            refusal = Refusal(50173)
            refusal.error, refusal.suberror = "interaction_required", "basic_action"
            refusal.claims = self.claims
            raise refusal


def moment(now: float) -> int:
    """The first second after `now`: whatever was issued until now is older."""
    return int(now) + 1


def evaluated(resource_id: str, request: ClaimsRequest) -> bool:
    """Whether the token is to be one that can be taken back: Graph is the resource that can."""
    return request.capable and resource_id == GRAPH_ID


def lifetime(ordinary_seconds: int) -> int:
    """20 to 28 hours in seconds, as far along as the ordinary lifetime is in its own range."""
    along = (ordinary_seconds - SHORTEST_SECONDS) / (LONGEST_SECONDS - SHORTEST_SECONDS)
    return _SHORTEST + round(along * (_LONGEST - _SHORTEST))


def is_capable(claims: Mapping[str, Any]) -> bool:
    """Whether a token says that its client handles challenges."""
    listed = claims.get("xms_cc")
    return isinstance(listed, list) and "cp1" in listed


def reached(not_before: int, request: ClaimsRequest) -> int:
    """The `nbf` of a new token: the second that the challenge names may not have come yet."""
    wanted = request.not_before
    soon = wanted is not None and not_before < wanted <= not_before + _SOON_SECONDS
    return wanted if soon and wanted is not None else not_before


def _older(not_before: object, moment_seconds: int) -> bool:
    return not isinstance(not_before, int | float) or not_before < moment_seconds
