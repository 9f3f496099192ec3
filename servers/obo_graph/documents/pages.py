"""Which pages, slides or sheets of a document are asked for."""

import re
from collections.abc import Sequence

from obo_graph.documents.extract import Unreadable

_RANGE = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", re.ASCII)


def chosen(pages: str, count: int, names: Sequence[str] = ()) -> list[int]:
    """The positions, from 0, that `pages` asks for, in order: all of `count` if it is empty.

    `pages` is like "3", "2-4" or "1, 3-5", or one of `names` (of sheets) in any case.

    Raises:
        Unreadable: `pages`, if it is neither, or begins after the last part.
    """
    if not pages.strip():
        return list(range(count))
    for at, name in enumerate(names):
        if name.strip().casefold() == pages.strip().casefold():
            return [at]
    found: set[int] = set()
    for part in pages.split(","):
        found.update(_span(part.strip(), count))
    return sorted(found)


def _span(part: str, count: int) -> range:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise Unreadable("pages")
    first = int(match[1])
    last = int(match[2] or first)
    if not 1 <= first <= min(last, count):
        raise Unreadable("pages")
    return range(first - 1, min(last, count))
