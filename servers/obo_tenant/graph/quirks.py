"""What Graph may do at any time and seldom does: oddities that can be switched on.

Source: Graph "Paging" (a page may be empty and yet have a next link), "Versioning and support"
(new properties may appear without notice), "user: sendMail" (the copy in Sent Items comes later).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NEW = {"newlyInvented": {"kind": "unknownFutureValue", "values": [1, None]}}


@dataclass(slots=True)
class Quirks:
    """The switches; all are off at the start.

    With `empty_pages` every list begins with a page that is empty and leads to the first one; with
    `unknown_fields` every entity has one property more than anybody knows. A sent mail appears in
    Sent Items at the request to the mailbox numbered `sent_copy_after`, counted from the sending.
    With `teams_limits` chats may be asked for as often as Teams allows, and no more.
    """

    empty_pages: bool = False
    unknown_fields: bool = False
    sent_copy_after: int = 0
    teams_limits: bool = False

    def entity(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """The entity, with the property that nobody knows if that is switched on."""
        return {**shown, **_NEW} if self.unknown_fields else dict(shown)

    def reset(self) -> None:
        """Switch all off."""
        self.empty_pages = self.unknown_fields = self.teams_limits = False
        self.sent_copy_after = 0
