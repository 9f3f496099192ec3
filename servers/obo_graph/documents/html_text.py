"""The readable text of an HTML document: no markup, and nothing a reader would not see."""

import re

from obo_graph.documents.html_style import hidden_classes, hides
from obo_graph.documents.html_tokens import Tag, tokens
from obo_graph.documents.html_tree import DROPPED, OpenElements

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_NEVER_OPEN = _VOID | {"head"}
_LINK = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
_LONGEST_LINK = 400
_FOREIGN = frozenset({"svg", "math"})
_BLOCK = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
_SHEET = re.compile("<style", re.IGNORECASE)
_SCREENS = frozenset({"", "all", "screen"})


class _Seen:
    """What a reader has seen so far."""

    def __init__(self, hidden: set[tuple[str, str]]) -> None:
        self.pieces: list[str] = []
        self._hidden = hidden
        self._open = OpenElements()
        self._link = ""
        self._label_from = 0

    def tag(self, tag: Tag) -> None:
        if tag.name in _BLOCK:
            self.pieces.append("\n")
        if tag.ends:
            self._open.end(tag.name)
        elif tag.name in {"td", "th"}:
            self.pieces.append("\t")
        # </head> is hardly ever missed, but may be left out. In HTML "/>" means nothing.
        if not tag.ends and tag.name not in _NEVER_OPEN:
            self._start(tag)
        if tag.name == "a":
            self._link_ends() if tag.ends else self._link_starts(tag)

    def text(self, text: str) -> None:
        if text and not self._open.is_hidden:
            self.pieces.append(text)

    def _start(self, tag: Tag) -> None:
        if not (tag.closed and tag.name in _FOREIGN):
            self._open.start(tag.name, hidden=tag.name in DROPPED or self._hides(tag))

    def _hides(self, tag: Tag) -> bool:
        attributes = tag.attributes()
        if "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true":
            return True
        if hides(attributes.get("style", "")):
            return True
        classes = attributes.get("class", "").lower().split() if self._hidden else ()
        return any(("", one) in self._hidden or (tag.name, one) in self._hidden for one in classes)

    def _link_starts(self, tag: Tag) -> None:
        target = tag.attributes().get("href", "").strip()
        self._link = "" if self._open.is_hidden or not _LINK.match(target) else target
        self._label_from = len(self.pieces)

    def _link_ends(self) -> None:
        if not self._link:
            return
        label = " ".join("".join(self.pieces[self._label_from :]).split())
        target = self._link.removeprefix("mailto:")
        if label and target.rstrip("/") not in label:
            cut = "…" if len(target) > _LONGEST_LINK else ""
            self.pieces.append(f" ({target[:_LONGEST_LINK]}{cut})")
        self._link = ""


def _hidden_by_sheets(html: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    if _SHEET.search(html):
        is_sheet = False
        for token in tokens(html):
            if isinstance(token, Tag):
                is_sheet = token.name == "style" and _on_screens(token)
            elif is_sheet:
                found |= hidden_classes(token)
    return found


def _on_screens(tag: Tag) -> bool:
    return tag.attributes().get("media", "").strip().lower() in _SCREENS


def text_of_html(html: str) -> str:
    """The visible text of `html`, one line per block, blank lines folded.

    A link's target follows its label, in brackets, as text. Images are left out. It never fails,
    and takes time in proportion to the length of `html` (some 20 ms for 200 kB of a mail).
    """
    seen = _Seen(_hidden_by_sheets(html))
    for token in tokens(html):
        if isinstance(token, str):
            seen.text(token)
        else:
            seen.tag(token)
    lines = (" ".join(line.split()) for line in "".join(seen.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
