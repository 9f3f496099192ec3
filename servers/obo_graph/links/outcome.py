"""How one use of a link ends: what its user is told, and what is recorded."""

from dataclasses import dataclass
from typing import Literal

from obo_graph.errors import GraphFailure


@dataclass(frozen=True, slots=True)
class Use:
    """What became of one use, for the audit event. `size_bytes` is what moved."""

    outcome: Literal["done", "shown", "left", "refused", "failed"]
    status: int
    size_bytes: int = 0


class LinkRefused(Exception):
    """This use of a link is refused; `words` are for the person in front of it."""

    def __init__(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"link refused with {status}")
        self.status = status
        self.words = words
        self.headers = headers or {}


class ClientLeft(Exception):
    """Nobody is there any more, or nobody moves any more, at the other end."""


NOT_OURS = "There is no such link. Ask for a new one where you got this one."
ENDED = "This link has ended or was used already. Ask for a new one where you got it."
BUSY = "Too many files are on their way. Try again in a minute."
ELSEWHERE = "The place where the file lies could not do this. Ask for a new link, then try again."
"""Words for people; none names a file, an address or who made the link."""


def of_upload(failure: GraphFailure) -> LinkRefused:
    """What to tell of an upload that the host of the session did not take."""
    if failure.code == "upload_failed":
        return LinkRefused(
            409,
            "The folder did not take this file: perhaps one of this name is there already. "
            "Ask for a new link.",
        )
    return LinkRefused(502, ELSEWHERE)
