"""The tenant as one object: what its endpoints share, and what a test may look at."""

from pathlib import Path
from typing import Any

from obo_tenant.apps import AGENT_AUDIENCE, GRAPH_AUDIENCE, GRAPH_ID
from obo_tenant.browsers import Browsers
from obo_tenant.clock import SYSTEM_CLOCK, Clock
from obo_tenant.directory import Directory
from obo_tenant.faults import Disturbance, Faults
from obo_tenant.grants import Grants
from obo_tenant.keys import KeyRing
from obo_tenant.log import Log
from obo_tenant.mint import Mint


class Tenant:
    """All state of the local tenant.

    `base_url` is the origin it is reached at, without a slash at the end; `ca_path` the certificate
    its clients trust; `clock` gives Unix seconds; `seed` decides the token lifetimes.
    """

    def __init__(
        self, base_url: str, ca_path: Path, clock: Clock = SYSTEM_CLOCK, seed: int = 20261123
    ) -> None:
        self.base_url = base_url
        self.ca_path = ca_path
        self.clock = clock
        self.directory = Directory(base_url)
        self.keys = KeyRing(clock())
        self.mint = Mint(self.keys, base_url, clock, seed)
        self.grants = Grants(clock)
        self.browsers = Browsers(clock)
        self.faults = Faults(clock)
        self.log = Log(self.directory, clock)

    def check_graph_token(self, token: str) -> dict[str, Any]:
        """The claims of a token for Microsoft Graph. Raises PermissionError, in Graph's words."""
        return self.mint.check(token, {GRAPH_AUDIENCE, f"{GRAPH_AUDIENCE}/", GRAPH_ID})

    def check_agent_token(self, token: str) -> dict[str, Any]:
        """The claims of a token for the agent platform. Raises PermissionError."""
        return self.mint.check(token, {AGENT_AUDIENCE, f"{AGENT_AUDIENCE}/"})

    async def graph_fault(self, oid: str | None) -> Disturbance:
        """What Graph must answer instead of its own, or add to it, for that person."""
        return await self.faults.strike("graph", oid)

    def record(self, **fields: Any) -> None:
        """Write a log entry; see `Log.record`."""
        self.log.record(**fields)
