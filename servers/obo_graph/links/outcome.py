"""How one use of a link ends: what its user is told, and what is recorded."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from obo_graph.errors import GraphFailure

Outcome = Literal["done", "shown", "left", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Use:
    """What became of one use, for the audit event. `size_bytes` is what moved."""

    outcome: Outcome
    status: int
    size_bytes: int = 0


class LinkRefused(Exception):
    """This use of a link is refused; `words` are for the person in front of it."""

    outcome: ClassVar[Outcome] = "refused"

    def __init__(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"link refused with {status}")
        self.status = status
        self.words = words
        self.headers = headers or {}


class ClientStalled(LinkRefused):
    """Nobody sends any more, yet is still there: the answer is not on its way (RFC 9110, 408)."""

    outcome = "left"

    def __init__(self) -> None:
        super().__init__(408, STALLED, {"connection": "close"})


class ClientLeft(Exception):
    """Nobody is there any more, or nobody moves any more, at the other end."""


class ClientIdle(ClientLeft):
    """Nobody moves any more."""


NOT_OURS = "There is no such link. Ask for a new one where you got this one."
ENDED = "This link has ended or was used already. Ask for a new one where you got it."
BUSY = "Too many files are on their way. Try again in a minute."
ELSEWHERE = "The place where the file lies could not do this. Ask for a new link, then try again."
BEGUN = "An upload with this link was begun already. Ask for a new link."
STALLED = "The file stopped coming, so none of it is kept. Ask for a new link."
"""Words for people; none names a file, an address or who made the link."""


def of_upload(failure: Exception) -> LinkRefused | ClientLeft:
    """What to tell of an upload that did not come to its end."""
    if isinstance(failure, ClientLeft) and not isinstance(failure, ClientIdle):
        return failure
    return _of_session(failure) if isinstance(failure, GraphFailure) else ClientStalled()


def _of_session(failure: GraphFailure) -> LinkRefused:
    if failure.code == "upload_conflict":
        return LinkRefused(409, "A file of this name is there already. Ask for a new link.")
    if failure.code == "upload_failed":
        return LinkRefused(409, "The folder did not take this file. Ask for a new link.")
    if failure.code == "upload_unsure":
        return LinkRefused(
            502, "The file may be saved or not: look in the folder before you send it again."
        )
    return LinkRefused(502, ELSEWHERE)
