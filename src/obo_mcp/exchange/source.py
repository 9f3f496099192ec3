"""Tokens of one caller for one scope, for a client that answers claims challenges."""

from collections.abc import Awaitable, Callable

from obo_mcp.errors import InteractionRequired, OboError
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.claims import ANSWERS_CHALLENGES, challenged
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller
from obo_mcp.secret import ClearToken, Secret


class TokenSource:
    """Gives a downstream token, and another one when its resource challenges the first.

    The tokens declare the client capability `cp1`: their resource may refuse them before their
    end (Entra, "Continuous access evaluation"). Whoever takes one must hand every 401 of the
    resource to `renewed()`, try once more with what comes back, and raise `step_up()` if the
    resource challenges that one too. `shown` makes of a failure what its readers understand.
    """

    def __init__(
        self,
        broker: TokenBroker,
        caller: Caller,
        scopes: Scopes,
        shown: Callable[[OboError], OboError] = lambda error: error,
    ) -> None:
        self._broker = broker
        self._caller = caller
        self._scopes = scopes
        self._shown = shown

    async def token(self) -> str:
        """A downstream token; its `repr` hides it.

        Raises:
            OboError: as `TokenBroker.downstream_token`.
        """
        return await self._clear(
            self._broker.downstream_token(self._caller, self._scopes, claims=ANSWERS_CHALLENGES)
        )

    async def renewed(self, refused: str, www_authenticate: str) -> str | None:
        """Another token in place of `refused`; None if the header holds no claims challenge.

        `www_authenticate` is the header of the resource's 401.

        Raises:
            InteractionRequired: the authority wants the person first; its claims go to the client.
            OboError: as `TokenBroker.renewed_token`.
        """
        challenge = challenged(www_authenticate)
        if not challenge:
            return None
        return await self._clear(
            self._broker.renewed_token(
                self._caller,
                self._scopes,
                refused=Secret(refused),
                challenge=challenge,
                claims=ANSWERS_CHALLENGES,
            )
        )

    def step_up(self, www_authenticate: str) -> OboError:
        """What to raise when the resource challenges the renewed token too: InteractionRequired."""
        return self._shown(InteractionRequired(claims=challenged(www_authenticate)))

    async def _clear(self, token: Awaitable[Secret]) -> str:
        try:
            return ClearToken((await token).reveal())
        except OboError as error:
            raise self._shown(error) from error.__cause__
