"""XML of strangers, read without a tree, and without anything a document type could do.

Expat is asked directly: entities, external ones and parameter ones all need a document type
declaration, and the first sight of one ends the reading. That is what defusedxml does, at the
speed of C and without its tree.
"""

from collections.abc import Iterator
from typing import IO, NoReturn
from xml.parsers import expat

from obo_graph.documents.extract import Unreadable

Attributes = dict[str, str]

_CHUNK_BYTES = 64 * 1024


class Visitor:
    """Who is told what an XML document holds. Names are "namespace local"."""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Characters."""


def read(stream: IO[bytes], visitor: Visitor) -> Iterator[None]:
    """Tell `visitor` what `stream` holds, 64 KiB at each step.

    Raises:
        Unreadable: `broken`, if it is no XML or declares a document type.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    for event, told in (
        ("StartDoctypeDecl", _refuse),
        ("StartElement", visitor.start),
        ("EndElement", visitor.end),
        ("CharacterData", visitor.text),
    ):
        setattr(parser, f"{event}Handler", told)
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable("broken") from error
    yield


def _refuse(*_: object) -> NoReturn:
    raise Unreadable("broken")
