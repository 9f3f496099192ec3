"""What reading a document gives: its text, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

_WORDS = MappingProxyType(
    {
        "unsupported": "No text can be read from a file of this kind.",
        "broken": "This file is damaged, or is not what its name says.",
        "protected": "This file is protected by a password: its text cannot be read here.",
        "too_large": "This file is too large, or unpacks to too much, to be read here.",
        "too_slow": "This file takes too long to be read here.",
        "busy": "Other files are being read just now. Try again in a few seconds.",
        "unavailable": "This server cannot read documents at present. Tell the person.",
        "pages": "pages names none of this file's pages, slides or sheets, or is not like 2-4.",
    }
)


class Unreadable(Exception):
    """No text could be had from a document. `str()` of it is meant for the model.

    `reason` is `unsupported`, `broken`, `protected`, `too_large`, `too_slow`, `busy` (nothing is
    wrong with the document; try again), `unavailable` (nor here, but no process can be had to read
    it) or `pages` (the argument `pages` does not fit it).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(_WORDS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of a document from its beginning, or of the parts that were asked for.

    `parts` counts the pages, slides or visible sheets of the whole document, 0 if its kind has
    none; `more` says that the text goes on after `text`; `kind` is the ending of its name.
    The text is as its author wrote it: pass it through `obo_graph.text` before it is shown.
    """

    text: str
    parts: int
    more: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """A document on its way to text: how many parts it has, and its text bit by bit."""

    parts: int
    texts: Iterator[str]


def gather(texts: Iterator[str], most: int) -> tuple[str, bool]:
    """The first `most` characters of `texts`, and whether they go on; reads no more than that."""
    got: list[str] = []
    size = 0
    for text in texts:
        got.append(text)
        size += len(text)
        if size > most:
            return "".join(got)[:most], True
    return "".join(got), False


def is_reason(word: object) -> bool:
    """Whether `word` is one that an `Unreadable` may carry."""
    return word in _WORDS
