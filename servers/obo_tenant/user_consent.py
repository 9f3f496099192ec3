"""What a person may consent to for themselves, and what only an administrator may.

Entra, "Configure how users consent to applications" and "Manage app consent policies" (the
permissions listed under "Microsoft recommended user consent policy"); Graph, "Microsoft Graph
permissions reference" for those that need an administrator in every tenant. A new tenant at Entra
starts with `recommended`; this one starts with `all`, so that everybody can try consent.
"""

from types import MappingProxyType
from typing import TYPE_CHECKING

from obo_tenant.apps import GRAPH_ID, Application

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = ("all", "recommended", "none")
ADMIN_SCOPES = MappingProxyType({"User.Read.All": "Read everyone's full profile"})
"""Permissions of Graph that take an administrator in every tenant; the MCP server wants none."""
_RECOMMENDED = frozenset(
    [
        "Files.Read.All",
        "Files.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
        "Mail.Read",
        "Mail.ReadWrite",
        "Mail.ReadBasic",
        "Calendars.Read",
        "Calendars.ReadBasic",
        "Calendars.ReadWrite",
        "Calendars.Read.Shared",
        "Chat.Read",
        "Chat.ReadWrite",
        "MailboxSettings.Read",
        "Contacts.ReadWrite",
        "Tasks.Read",
        "Tasks.ReadWrite",
        "People.Read",
    ]
)


def reserved(setting: str, resource: Application, scopes: "Iterable[str]") -> tuple[str, ...]:
    """Those of `scopes` that take an administrator under that setting (one of `SETTINGS`)."""
    if setting == "none":
        return tuple(scopes)
    if resource.client_id != GRAPH_ID:
        return ()
    kept = _RECOMMENDED if setting == "recommended" else frozenset()
    return tuple(scope for scope in scopes if scope in ADMIN_SCOPES or scope in kept)
