"""What is wrong with our own credential, told to the operator: the setting, the cause, the cure."""

import logging

from obo_mcp.environment import PREFIX
from obo_mcp.errors import ClientMisconfigured, OboError, TokenEndpointUnavailable, Unavailable
from obo_mcp.exchange.cause import Cause, cause_of
from obo_mcp.observe import record


class CredentialFault(Cause):
    """Our credential could not be had. The text names the setting and holds no value of it.

    `source_seconds` is the Retry-After of whoever gives it to us (None: none came): as
    `asked_seconds` it would hold back the one person whose exchange met it.
    """

    source_seconds: int | None = None


def misconfigured(setting: str, reason: str, cure: str) -> ClientMisconfigured:
    """The failure to raise when only the operator can help; reported at once."""
    error = ClientMisconfigured()
    error.__cause__ = CredentialFault(f"{named(setting)}: {reason}", cure=cure, concerns_all=True)
    report("unusable", setting, reason, cure)
    return error


def unavailable(setting: str, error: Unavailable, cure: str) -> TokenEndpointUnavailable:
    """The failure to raise when whoever gives us the credential cannot do so now; reported.

    A Retry-After of theirs is about this server: it goes to the caller, and to whoever asks them
    next (`source_seconds`).
    """
    met = cause_of(error)
    failure = TokenEndpointUnavailable(retry_after_seconds=error.retry_after_seconds)
    fault = CredentialFault(
        f"{named(setting)}: {met}", codes=met.codes, cure=cure, is_blip=met.is_blip
    )
    fault.source_seconds = met.asked_seconds if met.asked_seconds is not None else source_of(error)
    failure.__cause__ = fault
    report("unavailable", setting, str(met), cure)
    return failure


def ours(failure: OboError) -> OboError:
    """What a refusal of our application itself comes to, in whatever words the authority said it.

    The person whose exchange met it has done nothing: no sign-in, claims or consent of theirs
    helps. The cause stays, and concerns everybody.
    """
    met = cause_of(failure)
    error: OboError = ClientMisconfigured()
    if isinstance(failure, Unavailable):
        error = TokenEndpointUnavailable(retry_after_seconds=failure.retry_after_seconds)
    error.__cause__ = type(met)(str(met), codes=met.codes, cure=met.cure, concerns_all=True)
    return error


def source_of(error: OboError) -> int | None:
    """The Retry-After, in seconds, of whoever gives us the credential; None if none came."""
    cause = error.__cause__
    return cause.source_seconds if isinstance(cause, CredentialFault) else None


def report(outcome: str, setting: str, cause: str, cure: str = "", **more: str) -> None:
    """The event `credential`; docs/reference/events.md has its outcomes."""
    level = logging.INFO if outcome == "renewed" else logging.WARNING
    fields = {"outcome": outcome, "setting": named(setting), "cause": cause, "cure": cure, **more}
    record("credential", level=level, fields=fields)


def named(setting: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"
