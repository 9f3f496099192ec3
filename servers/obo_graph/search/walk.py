"""One kind after the other: a position in a search over several kinds.

The service takes one request per call and does not mix mail or events with other kinds (Graph,
"Use the Microsoft Search API"). So a position names the kind and how far we are in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType

from obo_graph.errors import GraphFailure
from obo_graph.search.hits import Kind, hits_of
from obo_graph.shape.paging import Page
from obo_graph.shape.partial import left_out
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

_MOST_OUTLOOK_HITS = 25
_ENTITIES = MappingProxyType(
    {
        "mail": ("message", "mails", "Mail.Read"),
        "event": ("event", "events", "Calendars.Read"),
        "file": ("driveItem", "files", "Files.Read.All"),
        "site": ("site", "sites", "Sites.Read.All"),
        "chat": ("chatMessage", "Teams messages", "Chat.Read"),
    }
)


def scopes_of(kinds: Sequence[Kind]) -> tuple[str, ...]:
    """The permissions that searching these kinds needs."""
    return tuple(_ENTITIES[kind][2] for kind in kinds)


@dataclass(slots=True)
class Walk:
    """A search for `words` through `kinds`; `notes` tell which of them could not be searched.

    `answered` says whether one of them has, in this call or one before.
    """

    graph: PersonalGraph
    words: str
    kinds: Sequence[Kind]
    size: int
    answered: bool
    notes: list[str] = field(default_factory=list)

    async def fetch(self, place: dict[str, str]) -> Page:
        """The page at `place`; empty where its kind cannot be searched.

        Raises:
            GraphFailure: another kind would fail in the same way, or this is the last one and none
                has answered.
        """
        at, start = int(place.get("kind", "0")), int(place.get("from", "0"))
        kind = self.kinds[at]
        following = {"kind": str(at + 1)} if at + 1 < len(self.kinds) else None
        try:
            hits, more = await self._ask(kind, start)
        except GraphFailure as failure:
            self._failed(kind, failure, last=following is None)
            return Page([], following)
        self.answered = True
        if more and hits:
            following = {"kind": str(at), "from": str(start + len(hits))}
        return Page([{"kind": kind, "hit": hit} for hit in hits], following)

    async def _ask(self, kind: Kind, start: int) -> tuple[list[Json], bool]:
        size = min(self.size, _MOST_OUTLOOK_HITS) if kind in {"mail", "event"} else self.size
        request: Json = {
            "entityTypes": [_ENTITIES[kind][0]],
            "query": {"queryString": self.words},
            "from": start,
            "size": size,
        }
        body: Json = {"requests": [request]}
        return hits_of(await self.graph.ask("/search/query", body, prefer=(IMMUTABLE_IDS,)))

    def _failed(self, kind: Kind, failure: GraphFailure, *, last: bool) -> None:
        _, label, scope = _ENTITIES[kind]
        self.notes.append(left_out(label, failure, scope))
        # Words that no kind has understood yet, no other will.
        hopeless = last or failure.status == HTTPStatus.BAD_REQUEST
        if failure.status == HTTPStatus.UNAUTHORIZED or (hopeless and not self.answered):
            raise failure
