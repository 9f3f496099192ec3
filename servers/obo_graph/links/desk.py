"""Where tools ask for a link."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from obo_graph.errors import unsupported
from obo_graph.links.ticket import Direction, Ticket, TicketSeal
from obo_graph.shape.link import MOST_BYTES, Link
from obo_graph.wire.gate import Person
from obo_mcp.clock import Clock, SystemClock

PREFIX = "/links/"
"""Where links lead to, below the origin of this server."""

_OFF = "This server makes no links for files; its operator can allow them. Tell the person."
_TOO_LONG = "For this file no link can be made. Give the person its web_url instead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes links that lead to `origin`, live for `seconds` and open with `seal`; 0: none."""

    origin: str
    seconds: int
    clock: Clock = field(default_factory=SystemClock)
    seal: TicketSeal = field(default_factory=TicketSeal, repr=False)

    def check_allowed(self) -> None:
        """Refuse before anything is asked of Graph.

        Raises:
            ToolError: there are no links here.
        """
        if not self.seconds:
            raise unsupported(_OFF)

    def download(self, url: str, name: str, content_type: str, person: Person) -> Link:
        """A link that gives the file whose bytes are at `url`, under `name`.

        Raises:
            ToolError: there are no links here, or none for so long an address.
        """
        return self._made("download", url, (name, content_type), person)

    def upload(self, url: str, name: str, person: Person) -> Link:
        """A link that takes one file into the upload session at `url`.

        Raises:
            ToolError: there are no links here, or none for so long an address.
        """
        return self._made("upload", url, (name, ""), person)

    def _made(self, direction: Direction, url: str, named: tuple[str, str], person: Person) -> Link:
        self.check_allowed()
        ends = self.clock.now() + self.seconds
        ticket = Ticket(
            direction=direction,
            url=url,
            name=named[0],
            content_type=named[1],
            max_bytes=MOST_BYTES,
            person=person,
            expires_at=ends,
        )
        try:
            sealed = self.seal.seal(ticket)
        except ValueError:
            raise unsupported(_TOO_LONG) from None
        return Link(f"{self.origin}{PREFIX}{sealed}", datetime.fromtimestamp(ends, UTC))


NO_LINKS = Links(origin="", seconds=0)
"""For a server without an address of its own."""
