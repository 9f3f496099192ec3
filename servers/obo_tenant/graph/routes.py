"""The routes of Graph, put together."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.routing import BaseRoute, Route

from obo_tenant.graph import calendar_routes, mail
from obo_tenant.graph.attachment_uploads import AttachmentUploads
from obo_tenant.graph.batch import Batch
from obo_tenant.graph.collaboration import collaboration_operations, tenant_chats
from obo_tenant.graph.gate import Fault, Gate
from obo_tenant.graph.limits import MailboxSlots
from obo_tenant.graph.quirks import Quirks
from obo_tenant.graph.search_routes import search_operations
from obo_tenant.graph.seed.person import belongings
from obo_tenant.graph.seed.shared import givers
from obo_tenant.graph.seed.sites import company_sites
from obo_tenant.graph.seed.templates import load_templates
from obo_tenant.graph.sites import Sites
from obo_tenant.graph.storage import storage
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
    quirks: Quirks | None = None,
) -> list[BaseRoute]:
    """The routes `/v1.0/...`, and those that need no access token.

    `check_token` verifies a bearer token and returns its claims, or raises PermissionError with
    words for the caller (`errors.ClaimsChallenge` to ask for more claims). `fault` gets the object
    id of the caller, the method and the path as the log shows it, may delay, and says what to send
    instead or to add. `record` gets one line per request as keywords, with neither tokens nor query
    strings. `quirks` may be turned at any time. `base_url` is the origin of the links in answers.
    `clock` gives unix seconds; the time of this call is what the seeded data is laid around. The
    answers carry their own `Date`.
    """
    start = datetime.fromtimestamp(clock(), UTC)
    origin = base_url.rstrip("/")
    templates = load_templates()
    store = Store(
        lambda owner: belongings(owner, start, templates), synthetic_limit=_SYNTHETIC_KEPT
    )
    sites = Sites(lambda company: company_sites(company, start, templates))
    files = storage(store, sites, givers, origin=origin, clock=clock, record=record)
    uploads = AttachmentUploads(store=store, origin=origin, clock=clock, record=record, fault=fault)
    chats = tenant_chats(templates, start)
    gate = Gate(
        check_token=check_token,
        fault=fault,
        record=record,
        origin=origin,
        clock=clock,
        store=store,
        slots=MailboxSlots(),
        quirks=quirks or Quirks(),
        operations=(
            *mail.OPERATIONS,
            *uploads.operations(),
            Batch().operation(),
            *calendar_routes.OPERATIONS,
            *files.operations,
            *search_operations(files.drives, chats),
            *collaboration_operations(store, chats, clock),
        ),
    )
    return [
        Route("/v1.0/{path:path}", gate.answer, methods=_METHODS),
        *files.routes,
        *uploads.routes(),
    ]
