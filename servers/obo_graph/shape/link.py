"""Links by which a file moves without passing through a model, as tools ask for them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from obo_graph.wire.gate import Person

MOST_BYTES = 2 * 1024**3
"""The largest file that moves through a link, in either direction."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address to hand to the person, and when it ends."""

    url: str = field(repr=False)
    ends: datetime


class LinkDesk(Protocol):
    """Makes links. Every method raises ToolError where there are none, or none for this file."""

    def check_allowed(self) -> None:
        """Refuse before anything is asked of Graph."""
        ...

    def download(self, url: str, name: str, content_type: str, person: Person) -> Link:
        """A link that gives the file whose bytes are at Graph's own address `url`."""
        ...

    def upload(self, url: str, name: str, person: Person) -> Link:
        """A link that takes one file into the upload session at `url`."""
        ...
