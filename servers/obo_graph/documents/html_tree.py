"""Which elements of an HTML document are open: enough of the standard's tree construction.

Source: WHATWG HTML, "Tree construction" (section 13.2.6): elements whose end tag may be left out,
scopes, and formatting elements that live on after the element around them.
"""

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType

DROPPED = frozenset(
    {"script", "style", "template", "noscript", "object", "svg", "math", "title", "iframe"}
    | {"audio", "canvas", "datalist", "noembed", "noframes", "video"}
)
"""Elements that hold no text for a reader."""

_SCAN = 100  # how far down an end tag is looked for: keeps nonsense of megabytes cheap
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong"}
    | {"tt", "u"}
)
_CELLS = frozenset({"td", "th"})
_ROW_PARTS = _CELLS | {"tr", "tbody", "thead", "tfoot", "caption"}
_BLOCKS = _HEADINGS | frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir"}
    | {"div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header"}
    | {"hgroup", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section"}
    | {"summary", "table", "ul"}
)
_MARKERS = _CELLS | DROPPED | {"caption"}
_SCOPE = _MARKERS | {"table", "html"}
_SPECIAL = _SCOPE | _BLOCKS | _ROW_PARTS | {"body", "button", "select"}
_LISTS = frozenset({"ul", "ol", "menu"})
_IMPLIED = MappingProxyType(
    {
        "li": (frozenset({"li"}), _SCOPE | _LISTS),
        "dt": (frozenset({"dt", "dd"}), _SCOPE | {"dl"}),
        "dd": (frozenset({"dt", "dd"}), _SCOPE | {"dl"}),
        "option": (frozenset({"option"}), _SCOPE | {"select"}),
        "optgroup": (frozenset({"option", "optgroup"}), _SCOPE | {"select"}),
        "td": (_CELLS, DROPPED | {"table"}),
        "th": (_CELLS, DROPPED | {"table"}),
        "tr": (_CELLS | {"tr", "caption"}, DROPPED | {"table"}),
        "tbody": (_ROW_PARTS, DROPPED | {"table"}),
        "thead": (_ROW_PARTS, DROPPED | {"table"}),
        "tfoot": (_ROW_PARTS, DROPPED | {"table"}),
    }
)
_PARAGRAPH = frozenset({"p"})


@dataclass(frozen=True, slots=True)
class _Element:
    tag: str
    hidden: bool


@dataclass(slots=True)
class OpenElements:
    """The stack of open elements of one document. It never fails, whatever the tags are."""

    _stack: list[_Element] = field(default_factory=list)
    _tags: Counter[str] = field(default_factory=Counter)
    _hidden: int = 0

    @property
    def is_hidden(self) -> bool:
        """Whether text here is inside something hidden."""
        return self._hidden > 0

    def start(self, tag: str, *, hidden: bool) -> None:
        """A start tag: it may end others first."""
        if tag in _BLOCKS:
            self._end_outermost(_PARAGRAPH, _SCOPE | {"button"})
        if tag in _IMPLIED:
            self._end_outermost(*_IMPLIED[tag])
        self._push(_Element(tag, hidden))

    def end(self, tag: str) -> None:
        """An end tag: it ends what is open inside its element too, or nothing at all."""
        if tag in {"body", "html", "head"}:
            return  # what comes after them belongs to the body again
        tags = _HEADINGS if tag in _HEADINGS else frozenset({tag})
        if tag in _FORMATTING:
            self._end_formatting(tags)
            return
        at = self._find(tags, _walls(tag))
        if at is not None:
            self._cut(at)

    def _end_formatting(self, tags: frozenset[str]) -> None:
        at = self._find(tags, _MARKERS)
        if at is None:
            return
        inner = self._stack[at + 1 :]
        if not any(element.tag in _SPECIAL for element in inner):
            inner = [element for element in inner if _lives_on(element)]
        self._replace(at, inner)

    def _end_outermost(self, tags: frozenset[str], walls: frozenset[str]) -> None:
        found = None
        if any(self._tags[tag] for tag in tags):
            for at in self._from_the_top():
                if self._stack[at].tag in tags:
                    found = at
                elif self._stack[at].tag in walls and self._stack[at].tag not in tags:
                    break
        if found is not None:
            self._cut(found)

    def _find(self, tags: frozenset[str], walls: frozenset[str]) -> int | None:
        if not any(self._tags[tag] for tag in tags):
            return None
        for at in self._from_the_top():
            if self._stack[at].tag in tags:
                return at
            if self._stack[at].tag in walls:
                return None
        return None

    def _from_the_top(self) -> range:
        top = len(self._stack) - 1
        return range(top, max(top - _SCAN, -1), -1)

    def _cut(self, at: int) -> None:
        """End the element at `at`; hidden formatting in it goes on behind, as browsers have it."""
        living = []
        for element in self._stack[at:]:
            if element.tag in _MARKERS:
                break
            if _lives_on(element):
                living.append(element)
        self._replace(at, living)

    def _replace(self, at: int, elements: list[_Element]) -> None:
        for gone in self._stack[at:]:
            self._tags[gone.tag] -= 1
            self._hidden -= gone.hidden
        del self._stack[at:]
        for element in elements:
            self._push(element)

    def _push(self, element: _Element) -> None:
        self._stack.append(element)
        self._tags[element.tag] += 1
        self._hidden += element.hidden


def _lives_on(element: _Element) -> bool:
    return element.hidden and element.tag in _FORMATTING


def _walls(tag: str) -> frozenset[str]:
    """Elements that an end tag `tag` cannot end from within."""
    if tag in DROPPED:
        return frozenset()
    if tag == "table":
        return DROPPED
    if tag in _ROW_PARTS:
        return DROPPED | {"table"}
    if tag == "li":
        return _SCOPE | _LISTS
    if tag == "p":
        return _SCOPE | {"button"}
    return _SCOPE if tag in _SPECIAL else _SPECIAL
