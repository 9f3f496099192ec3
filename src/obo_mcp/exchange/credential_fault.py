"""What is wrong with our own credential, told to the operator: the setting, the cause, the cure."""

import logging

from obo_mcp.environment import PREFIX
from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable, Unavailable
from obo_mcp.exchange.cause import Cause, cause_of
from obo_mcp.observe import record


class CredentialFault(Cause):
    """Our credential could not be had. The text names the setting and holds no value of it."""


def misconfigured(setting: str, reason: str, cure: str) -> ClientMisconfigured:
    """The failure to raise when only the operator can help; reported at once."""
    error = ClientMisconfigured()
    error.__cause__ = CredentialFault(f"{named(setting)}: {reason}", cure=cure)
    report("unusable", setting, reason, cure)
    return error


def unavailable(setting: str, error: Unavailable, cure: str) -> TokenEndpointUnavailable:
    """The failure to raise when whoever gives us the credential cannot do so now; reported.

    A Retry-After of theirs is about this server, so it must not hold back the one person whose
    exchange met it: it goes to the caller, and no further.
    """
    met = cause_of(error)
    failure = TokenEndpointUnavailable(retry_after_seconds=error.retry_after_seconds)
    failure.__cause__ = CredentialFault(
        f"{named(setting)}: {met}", codes=met.codes, cure=cure, is_blip=met.is_blip
    )
    report("unavailable", setting, str(met), cure)
    return failure


def report(outcome: str, setting: str, cause: str, cure: str = "", **more: str) -> None:
    """The event `credential`; docs/reference/events.md has its outcomes."""
    level = logging.INFO if outcome == "renewed" else logging.WARNING
    fields = {"outcome": outcome, "setting": named(setting), "cause": cause, "cure": cure, **more}
    record("credential", level=level, fields=fields)


def named(setting: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"
