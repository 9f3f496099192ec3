"""The text of WordprocessingML and DrawingML as a reader sees it: paragraphs and tables.

Source: ECMA-376 part 1, sections 17 (WordprocessingML) and 21.1 (DrawingML text); part 3 for
alternate content.
"""

from collections.abc import Iterator
from typing import IO

from obo_graph.documents.markup import Attributes, Visitor, read

# Programs pass over elements of namespaces they do not know: text in such is no text.
_NAMESPACES = frozenset(
    {
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://schemas.openxmlformats.org/presentationml/2006/main",
        "http://schemas.openxmlformats.org/drawingml/2006/main",
        "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
        "http://purl.oclc.org/ooxml/presentationml/main",
        "http://purl.oclc.org/ooxml/drawingml/main",
        "http://purl.oclc.org/ooxml/officeDocument/math",
    }
)
_DROPPED = frozenset({"del", "moveFrom", "Fallback"})
_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "pic", "cxnSp"})
_RUNS = frozenset({"r"})
_PARAGRAPHS = frozenset({"p"})
_ROWS = frozenset({"tr"})
_OFF = frozenset({"0", "false", "off"})
_SIGNS = {"tab": "\t", "noBreakHyphen": "-", "cr": "\n", "br": "\n"}


class Prose(Visitor):
    """Collects the visible text of one part: a line for each paragraph and each table row."""

    def __init__(self, hidden_styles: frozenset[str] = frozenset()) -> None:
        self._hidden_styles = hidden_styles
        self._open: list[str] = []
        self._hidden_from = 0  # depth of the outermost hidden element, 0 if none
        self._line: list[str] = []
        self._cells = 0
        self._lines: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        local, values = look(name, attributes)
        self._open.append(local)
        self._cells += local == "tc"
        if self._hidden_from:
            return
        if local in _DROPPED:
            self._drop(local)
        elif local in _SIGNS:
            self._sign(local)
        elif local == "tc":
            self._cell()
        else:
            self._read_properties(local, values)

    def end(self, name: str) -> None:
        """An element ends."""
        if self._hidden_from == len(self._open):
            self._hidden_from = 0
        self._open.pop()
        local = _local(name)
        self._cells -= local == "tc"
        if local == "tr" or (local == "p" and not self._cells):
            self._break()
        elif local == "p":
            self._line.append(" ")

    def text(self, data: str) -> None:
        """Characters: text only inside an element that says so."""
        if not self._hidden_from and self._open and self._open[-1] == "t":
            self._line.append(data)

    def take(self) -> str:
        """The lines since it was last asked for them."""
        lines, self._lines = self._lines, []
        return "".join(lines)

    def _read_properties(self, local: str, values: Attributes) -> None:
        style = values.get("val", "") in self._hidden_styles
        if vanishes(local, values) or (local == "rStyle" and style):
            self._hide(_RUNS)
        elif local == "pStyle" and style:
            self._hide(_PARAGRAPHS)
        elif local == "cNvPr" and values.get("hidden", "0").lower() not in _OFF:
            self._hide(_SHAPES)

    def _drop(self, local: str) -> None:
        if local == "del" and self._open[-2:-1] == ["trPr"]:
            self._hide(_ROWS)
        else:
            self._hidden_from = len(self._open)

    def _hide(self, tags: frozenset[str]) -> None:
        for depth in range(len(self._open), max(0, len(self._open) - 8), -1):
            if self._open[depth - 1] in tags:
                self._hidden_from = depth
                return

    def _sign(self, local: str) -> None:
        if local == "tab" and self._open[-2:-1] != ["r"]:
            return  # where a tab stop is
        self._line.append(" " if self._cells else _SIGNS[local])

    def _cell(self) -> None:
        if any(text.strip() for text in self._line):
            self._line.append("| ")

    def _break(self) -> None:
        line = "".join(self._line).strip()
        self._line = []
        if line:
            self._lines.append(f"{line}\n")


def prose(stream: IO[bytes], hidden_styles: frozenset[str] = frozenset()) -> Iterator[str]:
    """The text of the part in `stream`, bit by bit."""
    collected = Prose(hidden_styles)
    for _ in read(stream, collected):
        yield collected.take()


def look(name: str, attributes: Attributes) -> tuple[str, Attributes]:
    """The local name of an element and its attributes by theirs; "" in unknown namespaces."""
    return _local(name), {_local(key): value for key, value in attributes.items()}


def vanishes(local: str, values: Attributes) -> bool:
    """Whether this is a run property that makes text invisible."""
    return local in {"vanish", "specVanish"} and values.get("val", "1").lower() not in _OFF


def _local(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return local if not namespace or namespace in _NAMESPACES else ""
