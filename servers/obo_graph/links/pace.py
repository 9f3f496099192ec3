"""How slow the other end of a link may be."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import anyio

from obo_graph.links.outcome import ClientIdle, ClientLeft

Moved = TypeVar("Moved")


@dataclass(frozen=True, slots=True)
class Pace:
    """A client that moves nothing for `idle_seconds`, or takes more than `whole_seconds`, is left.

    Nobody is to hold one of the few connections for ever by reading a byte now and then.
    """

    idle_seconds: float = 30
    whole_seconds: float = 3600

    async def step(self, moving: Awaitable[Moved]) -> Moved:
        """What `moving`, one message to or from the client, gives.

        Raises:
            ClientIdle: it did not come about in time.
            ClientLeft: the connection is gone (ASGI, "Send": servers say so by an OSError).
        """
        try:
            with anyio.fail_after(self.idle_seconds):
                return await moving
        except TimeoutError:
            raise ClientIdle from None
        except OSError:
            raise ClientLeft from None
