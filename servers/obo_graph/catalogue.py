"""What this server offers: tools, the groups and tiers they come in, the Graph scopes they need."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Tier = Literal["core", "write", "extra"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tool. `scopes` are the least delegated permissions under which it does its whole job.

    Without one of the `optional` ones it still works, and says what is missing from its result.
    Source: Microsoft Graph permissions reference, and the pages of the single calls.
    """

    name: str
    group: str
    tier: Tier
    scopes: tuple[str, ...]
    optional: tuple[str, ...] = ()
    writes: bool = False
    on_request: bool = False


def _entry(
    group: str, tier: Tier, name: str, scopes: str, optional: str = "", *, writes: bool = False
) -> Entry:
    return Entry(
        name=name,
        group=group,
        tier=tier,
        scopes=tuple(scopes.split()),
        optional=tuple(optional.split()),
        writes=writes,
        on_request=name == "graph_get",
    )


_ZONE = "MailboxSettings.Read"
_FILES = "Files.Read.All"
_CHAT = "Chat.Create Chat.Read User.Read User.ReadBasic.All"
_MINE = f"User.Read {_ZONE}"
_SEARCHED = "Mail.Read Calendars.Read Sites.Read.All Chat.Read"

ENTRIES = (
    _entry("people", "core", "whoami", "User.Read", _ZONE),
    _entry("people", "core", "people_search", "People.Read", "User.ReadBasic.All Contacts.Read"),
    _entry("mail", "core", "mail_search", "Mail.Read", _ZONE),
    _entry("mail", "core", "mail_read", "Mail.Read", _MINE),
    _entry("mail", "core", "mail_folders", "Mail.ReadBasic"),
    _entry("mail", "core", "mail_attachment_read", "Mail.Read", _ZONE),
    _entry("mail", "core", "mail_draft", "Mail.ReadWrite", f"User.Read {_FILES}", writes=True),
    _entry("mail", "write", "mail_send", "Mail.Send Mail.ReadBasic", "User.Read", writes=True),
    _entry("mail", "write", "mail_reply", "Mail.ReadWrite Mail.Send", "User.Read", writes=True),
    _entry("mail", "write", "mail_forward", "Mail.ReadWrite Mail.Send", "User.Read", writes=True),
    _entry("mail", "write", "mail_move", "Mail.ReadWrite", writes=True),
    _entry("mail", "write", "mail_update", "Mail.ReadWrite", writes=True),
    _entry("calendar", "core", "calendar_view", "Calendars.ReadBasic", _ZONE),
    _entry("calendar", "core", "calendar_event_get", "Calendars.Read", _ZONE),
    _entry("calendar", "core", "calendar_free_busy", "Calendars.ReadBasic", _ZONE),
    _entry("calendar", "core", "calendar_find_times", "Calendars.Read.Shared", _ZONE),
    _entry("calendar", "write", "calendar_event_create", "Calendars.ReadWrite", _MINE, writes=True),
    _entry("calendar", "write", "calendar_event_update", "Calendars.ReadWrite", _MINE, writes=True),
    _entry("calendar", "write", "calendar_event_cancel", "Calendars.ReadWrite", _MINE, writes=True),
    _entry(
        "calendar", "write", "calendar_event_respond", "Calendars.ReadWrite", _MINE, writes=True
    ),
    _entry("files", "core", "files_search", _FILES, _ZONE),
    _entry("files", "core", "files_list", _FILES, _ZONE),
    _entry("files", "core", "files_get", _FILES, _ZONE),
    _entry("files", "core", "files_read", _FILES),
    _entry("files", "write", "files_upload", "Files.ReadWrite", _ZONE, writes=True),
    _entry("files", "write", "files_share", "Files.ReadWrite", _MINE, writes=True),
    _entry("search", "core", "m365_search", _FILES, f"{_SEARCHED} {_ZONE}"),
    _entry("chats", "extra", "chats_list", "Chat.ReadBasic", _ZONE),
    _entry("chats", "extra", "chat_read", "Chat.Read", _ZONE),
    _entry("chats", "extra", "chat_send", "ChatMessage.Send", _CHAT, writes=True),
    _entry("tasks", "extra", "tasks_list", "Tasks.Read", _ZONE),
    _entry("tasks", "extra", "task_create", "Tasks.ReadWrite", _ZONE, writes=True),
    _entry("tasks", "extra", "task_update", "Tasks.ReadWrite", _ZONE, writes=True),
    _entry("graph", "extra", "graph_get", ""),
)
"""Every tool, in the order in which `tools/list` shows them."""

BY_NAME = MappingProxyType({entry.name: entry for entry in ENTRIES})
"""The same by name."""

_SETS = MappingProxyType(
    {
        name: frozenset(entry.name for entry in ENTRIES if name in (entry.group, entry.tier))
        for name in dict.fromkeys(name for entry in ENTRIES for name in (entry.tier, entry.group))
    }
)

_WIDER = MappingProxyType(
    {
        "Mail.ReadBasic": ("Mail.Read", "Mail.ReadWrite"),
        "Mail.Read": ("Mail.ReadWrite",),
        "Calendars.ReadBasic": ("Calendars.Read", "Calendars.Read.Shared", "Calendars.ReadWrite"),
        "Calendars.Read": ("Calendars.ReadWrite",),
        "Chat.ReadBasic": ("Chat.Read",),
        "Tasks.Read": ("Tasks.ReadWrite",),
    }
)


def select(names: tuple[str, ...]) -> tuple[str, ...]:
    """The tools that `names` stand for: tools, groups and tiers; `-name` takes away again.

    Without a name that adds something one begins with every tool but `graph_get`, which is there
    only for who asks for it by name or by its group.

    Raises:
        ValueError: a name that is no tool, group or tier.
    """
    for name in names:
        if name.removeprefix("-") not in _SETS.keys() | BY_NAME.keys():
            known = ", ".join((*_SETS, *BY_NAME))
            raise ValueError(f"knows no such tool, group or tier; choose from {known}")
    added = [name for name in names if not name.startswith("-")]
    chosen = _tools_of(added) if added else frozenset(BY_NAME)
    removed = _tools_of(name[1:] for name in names if name.startswith("-"))
    requested = {"graph", "graph_get"}.intersection(added)
    return tuple(
        entry.name
        for entry in ENTRIES
        if entry.name in chosen - removed and (requested or not entry.on_request)
    )


def named_writers(names: Iterable[str]) -> list[str]:
    """The tools among `names`, each named by itself, that change something."""
    return [name for name in names if name in BY_NAME and BY_NAME[name].writes]


def permissions(tools: Iterable[str], *, each: bool = False) -> list[str]:
    """The delegated permissions to consent to, so that `tools` do their whole job, sorted.

    A permission that another one of the list includes is left out, unless `each` tool asks for
    its own: Entra gives no token for Mail.Read where only Mail.ReadWrite was consented to.
    """
    wanted = {scope for name in tools for scope in (*BY_NAME[name].scopes, *BY_NAME[name].optional)}
    if each:
        return sorted(wanted)
    return sorted(scope for scope in wanted if wanted.isdisjoint(_WIDER.get(scope, ())))


def _tools_of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(tool for name in names for tool in _SETS.get(name, (name,)))
