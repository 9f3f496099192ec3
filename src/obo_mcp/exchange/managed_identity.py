"""Tokens of the managed identity that this server runs as (Entra, "Managed identities").

MSAL finds the platform's endpoint: App Service, Functions and Container Apps name theirs in
IDENTITY_ENDPOINT, virtual machines have IMDS at 169.254.169.254. MSAL keeps the tokens: there is
no person in them.
"""

import re
from pathlib import Path
from typing import Any

import msal

from obo_mcp.errors import TokenEndpointUnavailable, Unavailable
from obo_mcp.exchange.applications import StoresNothing
from obo_mcp.exchange.cause import TransportFailure
from obo_mcp.exchange.credential_fault import misconfigured, unavailable
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import Answer, TokenEndpointTransport
from obo_mcp.exchange.turns import OneAtATime

_UPDATING = (404, 410)
_AADSTS = re.compile(r"AADSTS(\d{4,8})")


class PlatformTransport(TokenEndpointTransport):
    """HTTP to the machine's own identity endpoint: never through a proxy.

    IMDS is link-local and takes requests that came by a proxy for forgeries; and a proxy would
    see the identity's tokens.
    """

    def __init__(self, *, ca_bundle: Path | None, timeout_seconds: float) -> None:
        super().__init__(ca_bundle=ca_bundle, timeout_seconds=timeout_seconds, connections=1)
        self._session.trust_env = False

    def get(self, url: str, **options: Any) -> Answer:
        """GET; 404 and 410 are IMDS being updated ("Use managed identities", error handling).

        Raises:
            Unavailable: no whole answer in time, 404, 410, 429, a server error, or no JSON object.
        """
        answer = self._send("GET", url, options)
        if answer.status_code in _UPDATING:
            raise TokenEndpointUnavailable from TransportFailure(f"HTTP {answer.status_code}")
        return answer


class ManagedIdentity:
    """The user-assigned identity with this client id, or the machine's own if there is none."""

    def __init__(
        self, client_id: str | None, transport: PlatformTransport | Patient, *, setting: str
    ) -> None:
        self._setting = setting
        self._transport = transport
        self._turns = OneAtATime()  # IMDS takes few requests at a time
        self._client = msal.ManagedIdentityClient(
            msal.UserAssignedManagedIdentity(client_id=client_id)
            if client_id
            else msal.SystemAssignedManagedIdentity(),
            http_client=transport,
            http_cache=StoresNothing(),  # else MSAL repeats an error for as long as it names
        )

    def token(self, resource: str) -> dict[str, Any]:
        """MSAL's answer, with `access_token` and `expires_in`; blocks if none is kept.

        Raises:
            ClientMisconfigured: there is no such identity here, or none for this resource.
            Unavailable: the platform's endpoint does not answer.
        """
        return self._turns.run(lambda: self._asked(resource), of=self)

    def close(self) -> None:
        """Close the connection to the platform."""
        self._transport.close()

    def _asked(self, resource: str) -> dict[str, Any]:
        answer: Any = None
        failure: Unavailable | None = None
        with Foreign() as library:
            try:
                answer = self._client.acquire_token_for_client(resource=resource)
            except Unavailable as error:
                failure = unavailable(self._setting, error, _NOT_HERE)
        if failure is not None:
            raise failure
        if library.raised:
            answer = {"error": library.raised}
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise misconfigured(self._setting, _reason(answer), _NOT_ASSIGNED)
        return answer


_NOT_HERE = (
    "A managed identity exists only on Azure: elsewhere set another credential. On Azure, wait."
)
_NOT_ASSIGNED = (
    "Assign the user-assigned identity to this machine or app, and check that the setting is its "
    "client id, not its object id."
)


def _reason(answer: object) -> str:
    """The platform's error and the AADSTS numbers in it, and nothing else of its text."""
    known = answer if isinstance(answer, dict) else {}
    error = known.get("error")
    word = error if isinstance(error, str) and error.replace("_", "").isalnum() else "no token"
    numbers = _AADSTS.findall(str(known.get("error_description", "")))
    return " ".join([f"the platform answered {word}", *(f"AADSTS{number}" for number in numbers)])
