"""`/me/mailboxSettings`. Source: Graph "mailboxSettings" resource type."""

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from obo_tenant.graph.odata.page import check_names, show
from obo_tenant.graph.visit import Visit, operations

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTINGS = [
    "archiveFolder", "timeZone", "delegateMeetingMessageDeliveryOptions", "dateFormat",
    "timeFormat", "userPurpose", "automaticRepliesSetting", "language", "workingHours",
]  # fmt: skip


def get_mailbox_settings(visit: Visit) -> Response:
    """Time zone, working hours, automatic replies."""
    check_names(visit.options.select, _SETTINGS, "mailboxSettings")
    settings = visit.owner.settings
    status = "alwaysEnabled" if settings.away_message else "disabled"
    midnight = {"dateTime": "2026-01-01T00:00:00.0000000", "timeZone": "UTC"}
    archive = visit.owner.mailbox.folders["archive"].ids
    locale, language = settings.locale
    full: Mapping[str, Any] = {
        "archiveFolder": archive.pick(immutable=visit.prefer.immutable_ids),
        "timeZone": settings.time_zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "automaticRepliesSetting": {
            "status": status,
            "externalAudience": "all",
            "internalReplyMessage": settings.away_message,
            "externalReplyMessage": settings.away_message,
            "scheduledStartDateTime": midnight,
            "scheduledEndDateTime": midnight,
        },
        "language": {"locale": locale, "displayName": language},
        "workingHours": {
            "daysOfWeek": list(settings.work_days),
            "startTime": settings.work_start,
            "endTime": settings.work_end,
            "timeZone": {"name": settings.time_zone},
        },
    }
    return visit.one(visit.mine("mailboxSettings"), show(full, visit.options.select))


OPERATIONS = operations(
    "mail",
    "MailboxSettings.Read MailboxSettings.ReadWrite",
    ("mailboxSettings", get_mailbox_settings),
)
