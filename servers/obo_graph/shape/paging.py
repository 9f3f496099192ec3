"""Walking through Graph's pages until there are enough rows."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.shape.cursor import PAGE_BYTES, Position
from obo_graph.wire.answer import Json
from obo_graph.wire.origins import origin_of

_PAGES_PER_CALL = 5  # one for each kind of thing that a search can be for
_SKIPS = frozenset({"$skiptoken", "$skip"})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of Graph's, and the query options that lead to the next; None at the end."""

    rows: list[Json]
    following: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that were kept, each with the position behind it, and where the list goes on."""

    rows: list[tuple[Json, Position]] = field(default_factory=list)
    following: Position | None = None


def page_of(answer: Json, origin: str) -> Page:
    """An OData collection as a Page.

    Only the skip value is taken from `@odata.nextLink`: the path and the rest of the query are
    ours (Graph, "Paging"; its advice to use the URL whole would let an answer choose our path).

    Raises:
        GraphFailure: there is more, but not in a form that can be asked for.
    """
    rows = objects(answer.get("value"))
    link = answer.get("@odata.nextLink")
    if not isinstance(link, str):
        return Page(rows, None)
    if not origin_of(link) or origin_of(link) != origin_of(origin):
        raise GraphFailure(NO_ANSWER, "unexpected")
    options = parse_qs(urlsplit(link).query)
    # Services write $skipToken as well, and OData takes names of options in any case.
    following = {name: some[0] for name, some in options.items() if name.lower() in _SKIPS}
    if not following or len(json.dumps(following)) > PAGE_BYTES:
        raise GraphFailure(NO_ANSWER, "unexpected")
    return Page(rows, following)


def objects(value: object) -> list[Json]:
    """The JSON objects in a JSON list; an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


async def collect(
    fetch: Callable[[dict[str, str]], Awaitable[Page]],
    start: Position,
    limit: int,
    keep: Callable[[Json], bool],
) -> Found:
    """At most `limit` rows that `keep` wants, from `start` on, out of a few pages at most."""
    found = Found()
    position: Position | None = start
    for _ in range(_PAGES_PER_CALL):
        if position is None or len(found.rows) >= limit:
            break
        page = await fetch(position.page)
        position = _take(page, position, limit, keep, found.rows)
    return Found(found.rows, position)


def _take(
    page: Page,
    start: Position,
    limit: int,
    keep: Callable[[Json], bool],
    kept: list[tuple[Json, Position]],
) -> Position | None:
    after_page = None if page.following is None else Position(page.following)
    for number, row in enumerate(page.rows[start.offset :], start.offset + 1):
        if not keep(row):
            continue
        here = Position(start.page, number) if number < len(page.rows) else after_page
        kept.append((row, here or Position(start.page, number)))
        if len(kept) >= limit:
            return here
    return after_page
