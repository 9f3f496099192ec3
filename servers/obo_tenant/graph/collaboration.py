"""Everything that people do together, put together: meetings, chats, tasks."""

from collections.abc import Callable
from datetime import UTC, datetime

from obo_tenant.graph import planner_routes, todo_routes
from obo_tenant.graph.chat_routes import ChatRoutes
from obo_tenant.graph.chats import Chats
from obo_tenant.graph.event_routes import EventRoutes
from obo_tenant.graph.invitations import Invitations
from obo_tenant.graph.meeting_times import MeetingTimeRoutes
from obo_tenant.graph.schedule_routes import ScheduleRoutes
from obo_tenant.graph.seed.chats import ChatSeed
from obo_tenant.graph.seed.templates import Templates
from obo_tenant.graph.store import Store
from obo_tenant.graph.visit import Operation

_SYNTHETIC_KEPT = 512


def tenant_chats(templates: Templates, start: datetime) -> Chats:
    """All chats, laid around the start of the tenant."""
    return Chats(ChatSeed(start, templates).chats, synthetic_limit=_SYNTHETIC_KEPT)


def collaboration_operations(
    store: Store, chats: Chats, clock: Callable[[], float]
) -> tuple[Operation, ...]:
    """The operations on meetings, chats and tasks; `clock` gives unix seconds."""

    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC).replace(microsecond=0)

    invitations = Invitations(store, now)
    return (
        *EventRoutes(invitations).operations(),
        *ScheduleRoutes(invitations).operations(),
        *MeetingTimeRoutes(invitations).operations(),
        *ChatRoutes(chats).operations(),
        *todo_routes.OPERATIONS,
        *planner_routes.OPERATIONS,
    )
