"""The process that reads one document and ends. `process` starts it; the server never imports it.

It imports the parsers, confines itself, says that it is ready, and only then reads its job from
stdin: a line of JSON, then the document. Its answer is a line of JSON, then the text.
"""

import codecs
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from obo_graph.documents import kinds, pdf, plain, sheets, slides, word
from obo_graph.documents.confinement import confine
from obo_graph.documents.extract import Pieces, Unreadable, gather
from obo_graph.documents.html_text import text_of_html
from obo_graph.documents.protocol import READY, Answer, Job

Parser = Callable[[bytes, str], Pieces]

_IMPORTED_LATE = ("cp437", "utf-16", "utf-16-le", "utf-16-be", "windows-1252", "ascii")


def web(content: bytes, pages: str) -> Pieces:
    """The text of an HTML document.

    Raises:
        Unreadable: `broken` if it is binary, or `pages` if any are asked for.
    """
    if pages:
        raise Unreadable("pages")
    html = plain.decode(content, complete=True)
    if html is None:
        raise Unreadable("broken")
    return Pieces(0, iter([text_of_html(html)]))


def _by_ending() -> Iterator[tuple[str, Parser]]:
    for endings, parser in (
        (plain.HTML, web),
        (kinds.WORD, word.pieces),
        (kinds.SLIDES, slides.pieces),
        (kinds.SHEETS, sheets.pieces),
        (kinds.PDF, pdf.pieces),
    ):
        for ending in endings:
            yield ending, parser


PARSERS: Mapping[str, Parser] = MappingProxyType(dict(_by_ending()))
"""Who reads which ending."""


def answer(job: Job, content: bytes) -> Answer:
    """What there is to say about a document; never more text than was asked for.

    Anything but these errors is one of the parser's own: the process ends without an answer.
    """
    try:
        pieces = PARSERS[job.kind](content, job.pages)
        text, more = gather(pieces.texts, job.most_chars)
    except Unreadable as unreadable:
        return Answer(reason=unreadable.reason)
    except MemoryError:
        return Answer(reason="too_large")
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return Answer(reason="broken")
    return Answer(text=text, parts=pieces.parts, more=more)


def serve(limits: str) -> None:
    """The whole life of the process; `limits` are the arguments of `confine` as JSON."""
    for name in _IMPORTED_LATE:
        codecs.lookup(name)
    given: dict[str, Any] = json.loads(limits)
    confine(**given)
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    job = Job.read(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read(job.size_bytes)
    if len(content) == job.size_bytes:  # else the one who asked has gone
        answer(job, content).write(out)
        out.flush()
    os._exit(0)  # nobody waits for what Python tidies up
