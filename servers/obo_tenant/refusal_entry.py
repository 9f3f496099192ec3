"""One row of the table of refusals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said for one AADSTS number; `$words` in the text are filled in."""

    error: str
    text: str
    status: int = 400
    suberror: str | None = None
