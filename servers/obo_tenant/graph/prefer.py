"""The `Prefer` header (RFC 7240) with the preferences that Outlook resources know.

Source: Graph "user: list messages", "calendar: list calendarView", "outlook-immutable-id".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from obo_tenant.graph import zones
from obo_tenant.graph.errors import GraphError, bad_request

# Every part is optional and none gives back what it took, so that each character is read once.
_PREFERENCE = re.compile(
    r'\s*+([^\s=,;"]*+)\s*+(?:=\s*+("(?:[^"\\]|\\.)*+"|[^\s,;"]*+))?[^,]*+(?:,|\Z)', re.DOTALL
)
_LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the caller prefers, and what we promise back in `Preference-Applied`."""

    body: Literal["text", "html"] | None = None
    immutable_ids: bool = False
    time_zone: str = "UTC"
    page_size: int | None = None
    applied: str = ""


def parse_prefer(headers: Iterable[str]) -> Preferences:
    """Read all `Prefer` headers of a request; unknown preferences are ignored as RFC 7240 says.

    Raises GraphError 400 for a time zone that nobody knows, and for more than 4 kB of preferences.
    """
    wishes = _wishes(headers)
    body = wishes.get("outlook.body-content-type", "").casefold()
    zone = wishes.get("outlook.timezone")
    immutable = wishes.get("idtype", "").casefold() == "immutableid"
    size = wishes.get("odata.maxpagesize", "")
    if zone is not None and zones.find(zone) is None:
        raise GraphError(
            400,
            "TimeZoneNotSupportedException",
            "A valid TimeZone value must be specified. The following TimeZone value is not "
            f"supported: '{zone}'.",
        )
    applied = []
    if body in ("text", "html"):
        applied.append(f'outlook.body-content-type="{body}"')
    if immutable:
        applied.append('IdType="ImmutableId"')
    if zone is not None:
        applied.append(f'outlook.timezone="{zone}"')
    return Preferences(
        body="text" if body == "text" else "html" if body == "html" else None,
        immutable_ids=immutable,
        time_zone=zone or "UTC",
        page_size=int(size) if size.isascii() and size.isdigit() and 0 < len(size) < 5 else None,
        applied=", ".join(applied),
    )


def _wishes(headers: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    header = ",".join(headers)
    if len(header) > _LONGEST:
        raise bad_request("The Prefer header is too long.")
    for match in _PREFERENCE.finditer(header):
        name, value = match[1], match[2] or ""
        plain = value[1:-1] if value.startswith('"') else value
        if name:
            found.setdefault(name.casefold(), plain)
    return found
