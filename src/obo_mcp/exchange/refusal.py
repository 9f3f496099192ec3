"""What the token endpoint's error bodies mean (Entra, "Authentication and authorization errors").

Decided by `error`, `suberror` and `claims`; the AADSTS number refines, as Entra asks.
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
    Unavailable,
)
from obo_mcp.exchange.aadsts import Meaning, known
from obo_mcp.exchange.cause import Refusal
from obo_mcp.exchange.claims import presentable

_NOT_KNOWN = "Not in this server's table: look the AADSTS number up in Entra's list."
_ACTIONS = frozenset({"basic_action", "additional_action"})
_BY_ERROR: Mapping[str, type[OboError]] = {
    "invalid_grant": AssertionRejected,
    "temporarily_unavailable": TokenEndpointUnavailable,
}


def refusal(result: Mapping[str, Any], *, retry_after_seconds: int | None = None) -> OboError:
    """The failure that an error body stands for, with `Refusal` as its cause.

    A failure that passes carries `retry_after_seconds`, or five seconds where none is given.
    """
    codes = codes_in(result)
    meaning = _meaning(result, codes)
    failure = meaning.leaf(meaning.public, claims=presentable(result.get("claims")))
    if isinstance(failure, Unavailable) and retry_after_seconds is not None:
        failure.retry_after_seconds = retry_after_seconds
    reason = f"{_word(result, 'error')} {_word(result, 'suberror')} AADSTS{sorted(codes)}"
    failure.__cause__ = Refusal(
        reason, codes=codes, cure=meaning.cure, asked_seconds=retry_after_seconds
    )
    return failure


def is_passing(result: Mapping[str, Any]) -> bool:
    """Whether the error body says that asking again later may help."""
    return issubclass(_meaning(result, codes_in(result)).leaf, Unavailable)


def codes_in(result: Mapping[str, Any]) -> tuple[int, ...]:
    """The AADSTS numbers of an error body, as they stand there."""
    codes = result.get("error_codes")
    if not isinstance(codes, list):
        return ()
    return tuple(code for code in codes if isinstance(code, int) and not isinstance(code, bool))


def _meaning(result: Mapping[str, Any], codes: tuple[int, ...]) -> Meaning:
    refined = known(codes)
    cure = refined.cure if refined else _NOT_KNOWN
    if _word(result, "suberror") == "consent_required":
        return Meaning(ConsentRequired, cure)
    if refined is None and _wants_the_person(result):
        return Meaning(InteractionRequired, cure)
    if refined is None:
        return Meaning(_BY_ERROR.get(_word(result, "error"), ClientMisconfigured), cure)
    if refined.leaf is AssertionRejected and _wants_the_person(result):
        return Meaning(InteractionRequired, cure)
    return refined


def _wants_the_person(result: Mapping[str, Any]) -> bool:
    told = _word(result, "error") == "interaction_required" or bool(result.get("claims"))
    return told or _word(result, "suberror") in _ACTIONS


def _word(result: Mapping[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) and value.replace("_", "").isalnum() else ""
