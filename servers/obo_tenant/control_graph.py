"""The control switch for Graph's oddities: `PUT` and `DELETE /_tenant/graph`."""

from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.fields import Fields
from obo_tenant.tenant import Tenant

_LATEST = 1000


class GraphSwitches:
    """Turns Graph's oddities on and off, for everybody. A bad body changes nothing."""

    def __init__(self, tenant: Tenant) -> None:
        self._quirks = tenant.cloud.quirks

    async def set_quirks(self, request: Request) -> Response:
        """`PUT /_tenant/graph`: what is not named stays as it was.

        `empty_pages`: every list begins with an empty page that leads to the first one.
        `unknown_fields`: every entity has a property that no client knows.
        `sent_copy_after`: a sent mail appears in Sent Items at that request of its person to the
        mailbox, counted from the sending (0: at once); until then its id leads nowhere.
        `teams_limits`: chats may be asked for as often as Teams allows; beyond that 429.
        """
        quirks, fields = self._quirks, await Fields.of(request)
        empty_pages = fields.flag("empty_pages", quirks.empty_pages)
        unknown_fields = fields.flag("unknown_fields", quirks.unknown_fields)
        copy_after = fields.whole("sent_copy_after", quirks.sent_copy_after, 0, _LATEST)
        teams_limits = fields.flag("teams_limits", quirks.teams_limits)
        fields.end()
        quirks.empty_pages, quirks.unknown_fields = bool(empty_pages), bool(unknown_fields)
        quirks.sent_copy_after = copy_after or 0
        quirks.teams_limits = bool(teams_limits)
        return Response(status_code=204)

    async def end_quirks(self, _request: Request) -> Response:
        """`DELETE /_tenant/graph`: Graph is as usual again."""
        self._quirks.reset()
        return Response(status_code=204)
