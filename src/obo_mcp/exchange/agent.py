"""An agent identity as the client (Entra Agent ID, "On-behalf-of flow in agents").

An agent identity has no credential of its own. Its blueprint, the application with our client id
and credential, asks for a token (T1) that names the agent in `fmi_path`; with T1 as its client
assertion the agent identity makes the exchange.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msal

from obo_mcp.clock import Clock
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.federated import Asserted, exchange_audience
from obo_mcp.exchange.own_token import own_token
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.exchange.turns import OneAtATime

if TYPE_CHECKING:
    from obo_mcp.exchange.credential import ClientCredential

SETTING = "agent_identity_id"
FORGET_AGAIN_SECONDS = 60.0


class AgentIdentity:
    """The credential of one agent identity: T1 of the tenant in which it exchanges.

    MSAL keeps one T1 per tenant in the blueprint's cache, which holds no person's token.
    """

    def __init__(
        self,
        agent_id: str,
        blueprint_id: str,
        credential: "ClientCredential",
        *,
        authority_host: str,
        transport: TokenEndpointTransport,
        clock: Clock,
    ) -> None:
        self._agent_id = agent_id
        self._clock = clock
        self._forget_from = float("-inf")
        self._credential = credential
        self._audience = exchange_audience(authority_host)
        self._given: dict[str, Asserted] = {}
        self._turns: dict[str, OneAtATime] = {}
        self._blueprint = Applications(
            blueprint_id,
            credential.current,
            authority_host=authority_host,
            transport=Patient(transport, clock),
            token_cache=msal.TokenCache,
        )

    def current(self, tenant_id: str) -> object:
        """MSAL's `client_credential`, the same object for the same tenant."""
        given = self._given.get(tenant_id)
        if given is None:
            given = self._given.setdefault(tenant_id, Asserted(self._assertion(tenant_id)))
        return given.current(tenant_id)

    def refused(self) -> None:
        """Ask for a new T1 at the next exchange, and let the blueprint's credential know.

        Not more than once a minute: a refusal may have nothing to do with T1.
        """
        now = self._clock.monotonic()
        if now >= self._forget_from:
            self._forget_from = now + FORGET_AGAIN_SECONDS
            self._blueprint.forget()
        self._credential.refused()

    def close(self) -> None:
        """Close what the blueprint's credential comes through."""
        self._credential.close()

    def _assertion(self, tenant_id: str) -> Callable[[Mapping[str, str]], str]:
        turn = self._turns.setdefault(tenant_id, OneAtATime())

        def assertion(_context: Mapping[str, str]) -> str:
            # Asked for here, because those who wait for T1 share the failure of their own.
            credential = self._credential.current(tenant_id)
            return turn.run(lambda: self._t1(tenant_id), of=credential)

        return assertion

    def _t1(self, tenant_id: str) -> str:
        answer = own_token(
            self._blueprint, tenant_id, self._audience, setting=SETTING, fmi_path=self._agent_id
        )
        return str(answer["access_token"])
