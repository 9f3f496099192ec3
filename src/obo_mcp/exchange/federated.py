"""Client assertions that somebody else signs (Entra, "Workload identity federation").

The registration trusts an issuer, a subject and an audience; whoever holds such a token proves to
be our application, and no secret exists.
"""

import base64
import binascii
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obo_mcp.clock import Clock
from obo_mcp.errors import ConfigurationError
from obo_mcp.exchange.credential_fault import misconfigured, named
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.managed_identity import ManagedIdentity

SETTING = "federated_token_file"
_MOST_OCTETS = 64 * 1024
_AUDIENCES = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
    "login.chinacloudapi.cn": "api://AzureADTokenExchangeChina",
}

Assertion = Callable[[Mapping[str, str]], str]
"""Gives a client assertion for MSAL's context: `client_id`, `token_endpoint`, maybe `fmi_path`."""


class Asserted:
    """A credential that is asked for a client assertion with each request.

    MSAL calls it for every request on the wire, so that what it gives may change at any time.
    """

    def __init__(self, assertion: Assertion, *, close: Callable[[], None] = lambda: None) -> None:
        self._value = {"client_assertion": assertion}
        self._close = close

    def current(self, _tenant_id: str) -> dict[str, Assertion]:
        """MSAL's `client_credential`, always the same object."""
        return self._value

    def refused(self) -> None:
        """Nothing is kept that could be old."""

    def close(self) -> None:
        """Close what the assertions come through."""
        self._close()


def exchange_audience(authority_host: str) -> str:
    """The resource whose tokens stand for an application in this cloud."""
    host = urlsplit(authority_host).hostname or ""
    return _AUDIENCES.get(host, "api://AzureADTokenExchange")


def of_managed_identity(identity: ManagedIdentity, authority_host: str) -> Asserted:
    """A user-assigned identity as the federated credential of our registration."""
    audience = exchange_audience(authority_host)

    def assertion(_context: Mapping[str, str]) -> str:
        return str(identity.token(audience)["access_token"])

    return Asserted(assertion, close=identity.close)


class FederatedTokenFile:
    """A token that the platform writes into a file and renews there (Kubernetes, "projected")."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        if fault := self._fault(self._text()):
            raise ConfigurationError(f"{named(SETTING)}: {fault}")

    def assertion(self, _context: Mapping[str, str]) -> str:
        """What the file holds now.

        Raises:
            ClientMisconfigured: no token that is still valid.
        """
        text = self._text()
        if fault := self._fault(text):
            raise misconfigured(SETTING, fault, _PLATFORM)
        return text

    def _text(self) -> str:
        try:
            with self._path.open("rb") as file:
                return file.read(_MOST_OCTETS).decode("ascii", "replace").strip()
        except OSError:
            return ""

    def _fault(self, text: str) -> str:
        if not text:
            return "cannot be read, or is empty"
        claims = _claims(text)
        if claims is None:
            return "does not hold a JWT"
        expires_at = claims.get("exp")
        if isinstance(expires_at, int | float) and expires_at <= self._clock.now():
            return "holds a token that has expired: nobody renews it"
        return ""


_PLATFORM = (
    "The platform writes this file: check that the pod's service account is federated and its "
    "token projected (label azure.workload.identity/use)."
)


def _claims(jwt: str) -> dict[str, Any] | None:
    """What the token says of itself; whether it is true is for the authority to find out."""
    parts = jwt.split(".")
    try:
        header, payload, _ = (base64.urlsafe_b64decode(part + "==") for part in parts)
        said = [json.loads(text) for text in (header, payload)]
    except (ValueError, binascii.Error, RecursionError):
        return None
    return said[1] if all(isinstance(each, dict) for each in said) else None


def given(assertion: Callable[..., str]) -> Asserted:
    """A function of the developer's: `() -> str`, or with MSAL's context as its one argument.

    Raises:
        ConfigurationError: it is asynchronous; MSAL, which calls it in a thread, is not.
    """
    call = type(assertion).__call__  # an object may have an asynchronous one
    if inspect.iscoroutinefunction(assertion) or inspect.iscoroutinefunction(call):
        raise ConfigurationError("credential= must be a plain function, not async def")
    wants_context = _wants_context(assertion)

    def guarded(context: Mapping[str, str]) -> str:
        made: object = None
        with Foreign() as function:
            made = assertion(context) if wants_context else assertion()
        if function.raised:
            raise misconfigured("credential", f"the function raised {function.raised}", _FUNCTION)
        if not isinstance(made, str) or not made:
            raise misconfigured("credential", "the function returned no text", _FUNCTION)
        return made

    return Asserted(guarded)


_FUNCTION = "The function that was passed as credential= must return a signed client assertion."


def _wants_context(assertion: Callable[..., str]) -> bool:
    try:
        inspect.signature(assertion).bind()
    except TypeError:
        return True
    except ValueError:  # a built-in that tells no signature
        return False
    return False
