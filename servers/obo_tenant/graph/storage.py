"""Drives, sites, sharing, downloads and uploads, put together."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from obo_tenant.graph.downloads import Downloads
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.drive_writes import DriveWrites
from obo_tenant.graph.reach import Reach
from obo_tenant.graph.sharing_routes import SharingRoutes
from obo_tenant.graph.site_routes import SiteRoutes
from obo_tenant.graph.sites import Sites
from obo_tenant.graph.store import Store
from obo_tenant.graph.upload_sessions import UploadSessions
from obo_tenant.graph.visit import Operation


@dataclass(frozen=True, slots=True)
class Storage:
    """`operations` go through the gate; `routes` are the addresses that need no token."""

    drives: DriveRoutes
    operations: tuple[Operation, ...]
    routes: tuple[Route, ...]


def storage(
    store: Store,
    sites: Sites,
    givers: Callable[[str], frozenset[str]],
    *,
    origin: str,
    clock: Callable[[], float],
    record: Callable[..., None],
) -> Storage:
    """Everything about files, at one origin. See `reach.Reach` for `givers`."""
    reach = Reach(store, sites, givers)
    downloads = Downloads(reach=reach, origin=origin, clock=clock, record=record)
    drives = DriveRoutes(downloads, reach)
    sessions = UploadSessions(drives=drives, origin=origin, clock=clock, record=record)
    return Storage(
        drives,
        (
            *drives.operations(),
            *DriveWrites(drives, sessions).operations(),
            *SharingRoutes(drives).operations(),
            *SiteRoutes(sites).operations(),
        ),
        (
            Route("/_download/{token}", downloads.answer, methods=("GET", "HEAD")),
            Route("/_upload/{token}", sessions.answer, methods=("GET", "PUT", "DELETE")),
        ),
    )
