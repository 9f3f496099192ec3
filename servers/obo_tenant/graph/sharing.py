"""Who may see or change what is in somebody's drive: grants to people, and links.

Source: Graph "permission", "sharingLink", "driveItem: createLink", "driveItem: invite".
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from obo_tenant.graph.mailbox import Address

Role = Literal["read", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A sharing link: `kind` is view or edit, `scope` says for whom it opens."""

    kind: str
    scope: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One permission on one item and what is below it: to people, or to who has the link."""

    grant_id: str
    key: str
    role: Role
    person: Address | None = None
    oid: str = ""
    link: Link | None = None
    expires: datetime | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires

    def opens_for(self, address: str) -> bool:
        """Whether somebody of the same organization with `address` may use it."""
        if self.link is not None and self.link.scope in ("organization", "anonymous"):
            return True
        return self.person is not None and self.person.address.casefold() == address.casefold()


class Grants:
    """All grants in one drive."""

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        self._by_id = {grant.grant_id: grant for grant in grants}

    def add(self, grant: Grant) -> None:
        """Add one, or put it in the place of the one with the same id."""
        self._by_id[grant.grant_id] = grant

    def remove(self, grant_id: str) -> None:
        """Take one away."""
        self._by_id.pop(grant_id, None)

    def on(self, key: str) -> list[Grant]:
        """What was granted on exactly this item."""
        return [grant for grant in self._by_id.values() if grant.key == key]

    def to(self, address: str, now: datetime) -> list[Grant]:
        """What was granted to this person by name and has not expired."""
        return [
            grant
            for grant in self._by_id.values()
            if grant.person is not None and grant.opens_for(address) and grant.lives(now)
        ]

    def linked(self, url: str) -> Grant | None:
        """The grant whose link this is, or None."""
        found = (each for each in self._by_id.values() if each.link and each.link.url == url)
        return next(found, None)


def share_id(url: str) -> str:
    """How a URL is written in `/shares/{id}` (Graph "Accessing shared DriveItems")."""
    return "u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def shared_url(encoded: str) -> str | None:
    """The URL behind a share id, or None if it is none."""
    if not encoded.startswith("u!"):
        return None
    text = encoded.removeprefix("u!")
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        return None
