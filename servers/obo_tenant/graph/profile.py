"""`/me` and `/me/mailboxSettings`. Source: Graph "user" and "mailboxSettings" resource types."""

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from obo_tenant.graph.odata.page import check_names, show
from obo_tenant.graph.visit import Visit, operations

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
    "officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
_SETTINGS = [
    "archiveFolder", "timeZone", "delegateMeetingMessageDeliveryOptions", "dateFormat",
    "timeFormat", "userPurpose", "automaticRepliesSetting", "language", "workingHours",
]  # fmt: skip


def get_me(visit: Visit) -> Response:
    """The signed-in person; a few properties unless more are selected."""
    person = visit.owner.profile
    first, _, last = person.name.partition(" ")
    full: Mapping[str, Any] = {
        "businessPhones": list(person.phones),
        "displayName": person.name,
        "givenName": first,
        "jobTitle": person.job_title,
        "mail": person.address,
        "mobilePhone": None,
        "officeLocation": person.office,
        "preferredLanguage": "en-US",
        "surname": last,
        "userPrincipalName": person.address,
        "id": person.oid,
        "accountEnabled": True,
        "aboutMe": None,
        "city": None,
        "companyName": person.company,
        "country": None,
        "department": person.department,
        "employeeId": None,
        "mailNickname": person.address.partition("@")[0],
        "otherMails": [],
        "proxyAddresses": [f"SMTP:{person.address}"],
        "usageLocation": None,
        "userType": "Member",
    }
    check_names(visit.options.select, full, "user")
    return visit.one(visit.context("users/$entity"), show(full, visit.options.select or _DEFAULT))


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


OPERATIONS = (
    *operations(
        "directory",
        "User.Read User.ReadWrite User.ReadBasic.All User.Read.All User.ReadWrite.All "
        "Directory.Read.All Directory.ReadWrite.All",
        ("", get_me),
    ),
    *operations(
        "mail",
        "MailboxSettings.Read MailboxSettings.ReadWrite",
        ("mailboxSettings", get_mailbox_settings),
    ),
)
