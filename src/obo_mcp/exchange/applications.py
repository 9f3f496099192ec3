"""MSAL's confidential client applications: one per tenant, made anew when the credential changes.

The caller decides what MSAL may remember: `token_cache` makes the cache of a new application. Its
cache of HTTP answers stores nothing in any of them.
"""

from collections.abc import Callable
from typing import Any

import msal

from obo_mcp.errors import ClientMisconfigured
from obo_mcp.exchange.cause import Cause
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.exchange.turns import OneAtATime


class StoresNothing(dict[str, Any]):
    """The `http_cache` that MSAL may write to, without effect."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Store nothing."""

    def setdefault(self, _key: str, default: Any = None) -> Any:
        """Store nothing; answer `default`."""
        return default

    def update(self, *_: Any, **__: Any) -> None:
        """Store nothing."""


class Applications:
    """The MSAL applications of one client id.

    `credential(tenant_id)` gives what MSAL calls `client_credential`. As long as it gives the
    same object the tenant's application stays, and with it MSAL's signed assertion.
    """

    def __init__(
        self,
        client_id: str,
        credential: Callable[[str], Any],
        *,
        authority_host: str,
        transport: TokenEndpointTransport | Patient,
        token_cache: Callable[[], Any],
    ) -> None:
        self._client_id = client_id
        self._credential = credential
        self._authority_host = authority_host
        self._transport = transport
        self._token_cache = token_cache
        self._kept: dict[str, tuple[object, Any]] = {}
        self._turns: dict[str, OneAtATime] = {}

    def of(self, tenant_id: str) -> Any:
        """The application that asks at this tenant's token endpoint; blocks while it is made.

        Raises:
            ClientMisconfigured: no credential can be had, or the authority knows no such tenant.
            Unavailable: the authority, or whoever gives us the credential, does not answer.
        """
        credential = self._credential(tenant_id)
        kept, application = self._kept.get(tenant_id, (None, None))
        if kept is credential:
            return application
        turn = self._turns.setdefault(tenant_id, OneAtATime())
        return turn.run(lambda: self._made_once(tenant_id, credential), of=credential)

    def forget(self) -> None:
        """Make each application anew at its next use, without what its cache remembers."""
        self._kept.clear()

    def _made_once(self, tenant_id: str, credential: object) -> Any:
        kept, application = self._kept.get(tenant_id, (None, None))
        if kept is not credential:
            application = self._made(tenant_id, credential)
            self._kept[tenant_id] = (credential, application)
        return application

    def _made(self, tenant_id: str, credential: object) -> Any:
        with Foreign() as library:
            return msal.ConfidentialClientApplication(
                self._client_id,
                client_credential=credential,
                authority=f"{self._authority_host}/{tenant_id}",
                instance_discovery=False,
                http_client=self._transport,
                http_cache=StoresNothing(),
                token_cache=self._token_cache(),
                exclude_scopes=["offline_access", "profile"],
            )
        raise ClientMisconfigured from Cause(
            f"the authority's answer was not understood ({library.raised})", concerns_all=True
        )
