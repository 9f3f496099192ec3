"""The readable text of an HTML document: no markup, and nothing a reader would not see."""

import re
from html.parser import HTMLParser

from obo_graph.documents.html_tree import DROPPED, OpenElements

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_FOREIGN = frozenset({"svg", "math"})
_BLOCK = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0+(\.0+)?\s*(px|pt|em|rem|%)?\s*"
    r"(;|!|$)|font-size\s*:\s*(0*\.\d+|0+\.\d+|0*1(\.0+)?)\s*px|opacity\s*:\s*0+(\.0+)?\s*(;|!|$)|"
    r"mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_NO_HEIGHT = re.compile(
    r"(?<![\w-])(max-)?height\s*:\s*0+(\.0+)?\s*(px|pt|em|rem|vh|%)?\s*(;|!|$)", re.IGNORECASE
)
_CLIPPED = re.compile(r"overflow(-y)?\s*:\s*(hidden|clip)", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._open = OpenElements()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCK:
            self.pieces.append("\n")
        if tag in {"td", "th"}:
            self.pieces.append("\t")
        if tag in _VOID or tag == "head":
            return  # </head> is hardly ever missed, but may be left out
        # Of an attribute given twice the first counts.
        hidden = tag in DROPPED or _is_hidden(dict(reversed(attrs)))
        self._open.start(tag, hidden=hidden)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the slash means nothing: <div/> is a start tag. In SVG and MathML it does.
        if tag not in _FOREIGN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._open.end(tag)
        if tag in _BLOCK:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._open.is_hidden:
            self.pieces.append(data)


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").lower() == "true":
        return True
    style = _COMMENT.sub(" ", attributes.get("style") or "")
    if _NO_HEIGHT.search(style) and _CLIPPED.search(style):
        return True
    return _HIDING.search(style) is not None


def text_of(html: str) -> str:
    """The visible text of `html`, one line per block, blank lines folded."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
