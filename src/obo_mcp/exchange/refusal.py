"""What the token endpoint's error bodies mean (Entra, "Authentication and authorization errors").

Decided by `error`, `suberror` and `claims` first; the AADSTS number only refines, as Entra asks.
"""

from collections.abc import Mapping
from typing import Any

from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    OboError,
    TokenEndpointUnavailable,
)

_CONSENT = frozenset({65001, 65004, 90094})
_INTERACTION = frozenset(
    {50072, 50074, 50076, 50078, 50079, 50097, 53000, 53001, 53002, 53003, 53004}
    | {530032, 530034, 530035, 50058}
)
_TRANSIENT = frozenset({50033, 50087, 80005, 90006, 90012, 90024, 90033, 90055, 90090})
_OPERATOR_GRANTS = frozenset({50105, 500011, 650052, 650053, 650056, 650057, 65002})
_KINDS = (
    (_CONSENT, ConsentRequired),
    (_INTERACTION, InteractionRequired),
    (_TRANSIENT, TokenEndpointUnavailable),
    (_OPERATOR_GRANTS, ClientMisconfigured),
)


class Refusal(Exception):
    """The token endpoint's reason in its own codes: for the operator's log, not for callers."""


def refusal(result: Mapping[str, Any]) -> OboError:
    """The failure that MSAL's error result stands for, with `Refusal` as its cause."""
    codes = _codes(result)
    claims = result.get("claims")
    failure = _kind(result, codes)(claims=claims if isinstance(claims, str) else "")
    failure.__cause__ = Refusal(
        f"{_word(result, 'error')} {_word(result, 'suberror')} AADSTS{sorted(codes)}"
    )
    return failure


def _kind(result: Mapping[str, Any], codes: frozenset[int]) -> type[OboError]:
    error, suberror = _word(result, "error"), _word(result, "suberror")
    if suberror == "consent_required":
        return ConsentRequired
    for known, kind in _KINDS:
        if codes & known:
            return kind
    if error == "interaction_required" or result.get("claims"):
        return InteractionRequired
    if error == "invalid_grant":
        return AssertionRejected
    if error == "temporarily_unavailable":
        return TokenEndpointUnavailable
    return ClientMisconfigured


def _codes(result: Mapping[str, Any]) -> frozenset[int]:
    codes = result.get("error_codes")
    if not isinstance(codes, list):
        return frozenset()
    return frozenset(code for code in codes if isinstance(code, int))


def _word(result: Mapping[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) and value.replace("_", "").isalnum() else ""
