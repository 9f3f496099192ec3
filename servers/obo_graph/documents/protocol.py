"""What the server and the process that reads a document say to each other."""

import json
from dataclasses import asdict, dataclass
from typing import IO

from obo_graph.documents.extract import Extract, Unreadable, is_reason

READY = b"ready\n"
"""Said by the process when it is confined, and before it reads anything."""

BYTES_PER_CHAR = 4
HEAD_BYTES = 200
"""The longest first line of an answer."""


@dataclass(frozen=True, slots=True)
class Job:
    """One document to read: its ending, the parts wanted, the most characters to give."""

    kind: str
    pages: str
    most_chars: int
    size_bytes: int

    def line(self) -> bytes:
        """The job as the line before the document."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def read(line: bytes) -> "Job":
        """The job of a line made by `line`."""
        return Job(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Answer:
    """A text, or the reason of an `Unreadable`."""

    text: str = ""
    parts: int = 0
    more: bool = False
    reason: str = ""

    def write(self, out: IO[bytes]) -> None:
        """Write the answer; halves of surrogate pairs survive."""
        head = {"parts": self.parts, "more": self.more, "reason": self.reason}
        out.write(json.dumps(head).encode() + b"\n")
        out.write(self.text.encode("utf-8", "surrogatepass"))


def extract(said: bytes, kind: str) -> Extract:
    """What the process answered. It may have been taken over by its document: nothing is believed.

    Raises:
        Unreadable: what it says, or `broken` if it makes no sense.
    """
    line, _, rest = said.partition(b"\n")
    try:
        head = json.loads(line[:HEAD_BYTES])
        text = rest.decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise Unreadable("broken") from error
    match head:
        case {"reason": str(reason)} if is_reason(reason):
            raise Unreadable(reason)
        case {"reason": "", "parts": int(parts), "more": bool(more)} if parts >= 0:
            return Extract(text=text, parts=parts, more=more, kind=kind)
    raise Unreadable("broken")
