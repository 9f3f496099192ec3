"""Which files have a text that can be read, by the ending of their name."""

from obo_graph.documents import plain

WORD = frozenset({"docx", "docm"})
"""WordprocessingML."""

SLIDES = frozenset({"pptx", "pptm"})
"""PresentationML."""

SHEETS = frozenset({"xlsx", "xlsm", "xlsb", "xls", "ods"})
"""Workbooks."""

PDF = frozenset({"pdf"})
"""Portable Document Format."""

PARSED = plain.HTML | WORD | SLIDES | SHEETS | PDF
"""Endings that need a parser, and so a process of its own."""

KINDS = "txt, md, csv, json, log, html, docx, pptx, xlsx, xls, ods, pdf"
"""The kinds, as a model is told them."""

_MB = 1024 * 1024
MAX_DOCUMENT_BYTES = 32 * _MB
"""The largest file of a kind in `PARSED` that is read."""

_LONGEST_ENDING = 10


def ending_of(name: str) -> str:
    """The ending of a file name in small letters, without its dot; "" if it has none."""
    stem, dot, ending = name.rpartition(".")
    known = dot and stem and len(ending) <= _LONGEST_ENDING
    return ending.lower() if known else ""


def supported(name: str) -> bool:
    """Whether a file of this name has a text that can be read."""
    return ending_of(name) in plain.TEXT | PARSED
