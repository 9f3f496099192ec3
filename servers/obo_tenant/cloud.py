"""The two tenants at this origin, and what they share: browsers, credentials, faults, the log."""

from pathlib import Path

from obo_tenant.browsers import Browsers
from obo_tenant.clock import SYSTEM_CLOCK, Clock
from obo_tenant.cluster import Cluster
from obo_tenant.directory import Directory
from obo_tenant.faults import Faults
from obo_tenant.graph.quirks import Quirks
from obo_tenant.log import Log
from obo_tenant.people import HOME, NEIGHBOUR
from obo_tenant.registered import Registrar
from obo_tenant.tenant import Tenant
from obo_tenant.vault_item import VaultItems


class Cloud:
    """All state of the program.

    `base_url` is the origin it is reached at, without a slash at the end; `ca_path` the certificate
    its clients trust; `clock` gives Unix seconds; `seed` decides the token lifetimes.
    """

    def __init__(
        self, base_url: str, ca_path: Path, clock: Clock = SYSTEM_CLOCK, seed: int = 20261123
    ) -> None:
        directories = [Directory(base_url, organization) for organization in (HOME, NEIGHBOUR)]
        self.base_url = base_url
        self.ca_path = ca_path
        self.clock = clock
        self.browsers = Browsers(clock)
        self.faults = Faults(clock)
        self.quirks = Quirks()
        self.log = Log(directories, clock)
        self.registrar = Registrar(directories[0].apps)
        self.cluster = Cluster(base_url, clock)
        self.vault_items = VaultItems()
        self.home, self.neighbour = (Tenant(self, directory, seed) for directory in directories)
        self.home.keys.make()

    @property
    def tenants(self) -> tuple[Tenant, Tenant]:
        """Both, home first."""
        return self.home, self.neighbour
