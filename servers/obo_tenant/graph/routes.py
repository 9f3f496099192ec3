"""The routes of Graph, put together."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.routing import BaseRoute, Route

from obo_tenant.graph import calendar_routes, mail_routes, profile
from obo_tenant.graph.downloads import Downloads
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.gate import Fault, Gate
from obo_tenant.graph.limits import MailboxSlots
from obo_tenant.graph.search_routes import search_operations
from obo_tenant.graph.seed.person import belongings
from obo_tenant.graph.seed.templates import load_templates
from obo_tenant.graph.store import Store

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SYNTHETIC_KEPT = 512


def graph_routes(
    *,
    check_token: Callable[[str], Mapping[str, Any]],
    fault: Fault,
    record: Callable[..., None],
    base_url: str,
    clock: Callable[[], float],
) -> list[BaseRoute]:
    """The routes `/v1.0/...` and `/_download/...`.

    `check_token` verifies a bearer token and returns its claims, or raises PermissionError with
    words for the caller (`errors.ClaimsChallenge` to ask for more claims). `fault` gets the object
    id of the caller, may delay, and says what to send instead or to add. `record` gets one line per
    request as keywords, with neither tokens nor query strings. `base_url` is the origin of the
    links in answers. `clock` gives unix seconds; the time of this call is what the seeded data is
    laid around. The answers carry their own `Date`.
    """
    start = datetime.fromtimestamp(clock(), UTC)
    origin = base_url.rstrip("/")
    templates = load_templates()
    store = Store(
        lambda owner: belongings(owner, start, templates), synthetic_limit=_SYNTHETIC_KEPT
    )
    downloads = Downloads(store=store, origin=origin, clock=clock, record=record)
    drives = DriveRoutes(downloads)
    gate = Gate(
        check_token=check_token,
        fault=fault,
        record=record,
        origin=origin,
        clock=clock,
        store=store,
        slots=MailboxSlots(),
        operations=(
            *profile.OPERATIONS,
            *mail_routes.OPERATIONS,
            *calendar_routes.OPERATIONS,
            *drives.operations(),
            *search_operations(drives),
        ),
    )
    return [
        Route("/v1.0/{path:path}", gate.answer, methods=_METHODS),
        Route("/_download/{token}", downloads.answer, methods=("GET", "HEAD")),
    ]
