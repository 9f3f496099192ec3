"""The text in a file's bytes, for the kinds that need no parser but the standard library's."""

import codecs

TEXT = frozenset({"txt", "md", "csv", "json", "log"})
"""Endings read as they are, from the beginning as far as needed."""

HTML = frozenset({"html", "htm"})
"""Endings of pages, which are markup around what a reader would see."""

MAX_TEXT_BYTES = 20 * 1024 * 1024
"""How far into a text file we read."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BYTES_PER_CHAR = 4
_SAMPLE_BYTES = 16 * 1024


def bytes_for(ending: str, chars: int) -> int:
    """How many bytes certainly hold the first `chars` characters of a file of this kind."""
    if ending not in TEXT:
        return MAX_TEXT_BYTES  # its text begins where its markup or its directory says
    return min(MAX_TEXT_BYTES, max((chars + 1) * _BYTES_PER_CHAR, _SAMPLE_BYTES))


def decode(content: bytes, *, complete: bool) -> str | None:
    """The text in `content`, by its mark, as UTF-8, else as Windows-1252; None if it is binary.

    `content` is the beginning of a file, and may end in the middle of a character unless it is
    `complete`. What the file is, its first 16 KiB decide: a longer piece of it never reads
    otherwise than a shorter one. Bytes that make no character become U+FFFD.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding, complete=complete)
    sample = content[:_SAMPLE_BYTES]
    if b"\x00" in sample:
        return None
    return _decoded(content, _guessed_encoding(sample), complete=complete)


def _decoded(content: bytes, encoding: str, *, complete: bool) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(content, final=complete)


def _guessed_encoding(sample: bytes) -> str:
    # One broken byte makes no UTF-8 file Windows-1252; that one has hardly a whole sequence.
    text = _decoded(sample, "utf-8", complete=len(sample) < _SAMPLE_BYTES)
    broken = text.count("\ufffd") - sample.count("\ufffd".encode())
    whole = sum(not letter.isascii() for letter in text) - text.count("\ufffd")
    return "windows-1252" if broken > whole else "utf-8"
