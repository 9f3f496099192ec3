"""What this server offers: tools, the groups they come in, and the Graph scopes they need."""

from types import MappingProxyType

GROUPS = MappingProxyType(
    {
        "profile": ("whoami",),
        "mail": ("mail_search", "mail_read"),
        "calendar": ("calendar_view",),
        "files": ("files_search", "files_read"),
    }
)
"""Tool names by group, in the order in which `tools/list` shows them."""

TOOLS = tuple(tool for group in GROUPS.values() for tool in group)
"""Every tool, in that same order."""

SCOPES = MappingProxyType(
    {
        "whoami": "User.Read",
        "mail_search": "Mail.Read",
        "mail_read": "Mail.Read",
        "calendar_view": "Calendars.Read",
        "files_search": "Files.Read.All",
        "files_read": "Files.Read.All",
    }
)
"""The least delegated scope under which a tool works (Microsoft Graph permissions reference).

`MailboxSettings.Read` is optional for all of them: without it times are shown in UTC.
"""


def select(names: tuple[str, ...]) -> tuple[str, ...]:
    """The tools that `names` (tools or groups) stand for; all of them when `names` is empty.

    Raises:
        ValueError: a name that is neither a tool nor a group.
    """
    unknown = [name for name in names if name not in GROUPS and name not in TOOLS]
    if unknown:
        known = ", ".join((*GROUPS, *TOOLS))
        raise ValueError(f"knows no such tool or group; choose from {known}")
    wanted = {tool for name in names for tool in GROUPS.get(name, (name,))}
    return tuple(tool for tool in TOOLS if tool in wanted or not names)
