"""One tenant as one object: what its endpoints share, and what a test may look at."""

from typing import TYPE_CHECKING, Any

from obo_tenant.apps import AGENT_AUDIENCE, GRAPH_AUDIENCE, GRAPH_ID
from obo_tenant.directory import Directory
from obo_tenant.faults import Disturbance
from obo_tenant.grants import Grants
from obo_tenant.keys import KeyRing
from obo_tenant.mint import Mint
from obo_tenant.people import Organization

if TYPE_CHECKING:
    from obo_tenant.cloud import Cloud


class Tenant:
    """The state of one tenant in `cloud`: its directory, its keys, and what it has handed out."""

    def __init__(self, cloud: "Cloud", directory: Directory, seed: int) -> None:
        self.cloud = cloud
        self.base_url = cloud.base_url
        self.ca_path = cloud.ca_path
        self.clock = cloud.clock
        self.browsers = cloud.browsers
        self.faults = cloud.faults
        self.log = cloud.log
        self.directory = directory
        self.keys = KeyRing(cloud.clock())
        self.mint = Mint(self.keys, cloud.base_url, cloud.clock, seed, self.tenant_id)
        self.grants = Grants(cloud.clock)

    @property
    def organization(self) -> Organization:
        """Whose tenant it is."""
        return self.directory.organization

    @property
    def tenant_id(self) -> str:
        """The GUID in its paths and in its tokens."""
        return self.organization.tenant_id

    def signer_of(self, token: str) -> "Tenant":
        """The tenant in the cloud whose published key `token` names; this one if none."""
        named = (each for each in self.cloud.tenants if each.mint.names_key(token))
        return next(named, self)

    def check_graph_token(self, token: str) -> dict[str, Any]:
        """The claims of any tenant's token for Microsoft Graph.

        Raises:
            PermissionError: in Graph's words; `ClaimsChallenge` when it was taken back.
        """
        signer = self.signer_of(token)
        claims = signer.mint.check(token, {GRAPH_AUDIENCE, f"{GRAPH_AUDIENCE}/", GRAPH_ID})
        account = signer.directory.account_by_oid(claims.get("oid"))
        if account is not None and account.revocation is not None:
            account.revocation.check_resource(claims)
        return claims

    def check_agent_token(self, token: str) -> dict[str, Any]:
        """The claims of a token for the agent platform. Raises PermissionError."""
        return self.mint.check(token, {AGENT_AUDIENCE, f"{AGENT_AUDIENCE}/"})

    async def graph_fault(self, oid: str | None, method: str = "", path: str = "") -> Disturbance:
        """What Graph must answer instead of its own, or add to it, for that person there."""
        return await self.faults.strike("graph", oid, method=method, path=path)

    def record(self, **fields: Any) -> None:
        """Write a log entry; see `Log.record`."""
        self.log.record(**fields)
