"""The text in a file's bytes, for the kinds that need no parser but the standard library's."""

import codecs

from obo_graph.html_text import text_of

TEXT = frozenset({"txt", "md", "csv", "json", "log"})
"""Endings read as they are, from the beginning as far as needed."""

HTML = frozenset({"html", "htm"})
"""Endings read as a whole, then reduced to what a reader would see."""

MAX_TEXT_BYTES = 20 * 1024 * 1024
"""How far into a text file we read."""

MAX_HTML_BYTES = 2 * 1024 * 1024
"""The largest HTML file: the standard library's parser takes 0.15 s for each MB."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BYTES_PER_CHAR = 4


def bytes_for(ending: str, chars: int) -> int:
    """How many bytes certainly hold the first `chars` characters of a file of this kind."""
    if ending in HTML:
        return MAX_HTML_BYTES
    return min(MAX_TEXT_BYTES, (chars + 1) * _BYTES_PER_CHAR)


def decode(content: bytes, *, complete: bool) -> str | None:
    """The text in `content`, by its mark, as UTF-8, else as Windows-1252; None if it is binary.

    An incomplete `content` may end in the middle of a character.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
            return decoder.decode(content[len(mark) :], final=complete)
    if b"\x00" in content:
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content, final=complete)
    except UnicodeDecodeError:
        return content.decode("windows-1252", errors="replace")


def readable(ending: str, text: str) -> str:
    """`text` itself, or what a reader sees of it if it is HTML."""
    return text_of(text) if ending in HTML else text
