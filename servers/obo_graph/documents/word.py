"""The text of a Word document (docx)."""

from collections.abc import Iterator

from obo_graph.documents.extract import Pieces, Unreadable
from obo_graph.documents.markup import Attributes, Visitor, read
from obo_graph.documents.package import Package
from obo_graph.documents.prose import look, prose, vanishes

_ASIDE = ("header", "footer", "footnotes", "endnotes", "comments")


def pieces(content: bytes, pages: str) -> Pieces:
    """The text of `content`: the body, then what stands aside of it. It has no pages.

    Raises:
        Unreadable: `broken`, `protected`, `too_large`, or `pages` if any are asked for.
    """
    if pages:
        raise Unreadable("pages")
    package = Package(content)
    return Pieces(0, _texts(package, package.main_part()))


def _texts(package: Package, main: str) -> Iterator[str]:
    hidden = _hidden_styles(package, main)
    with package.open(main) as stream:
        yield from prose(stream, hidden)
    for kind in _ASIDE:
        yield from _aside(package, main, kind, hidden)


def _aside(package: Package, main: str, kind: str, hidden: frozenset[str]) -> Iterator[str]:
    seen = set()
    for path in package.related(main, kind):
        with package.open(path) as stream:
            text = "".join(prose(stream, hidden))
        if text and text not in seen:  # the same footer of each section once
            seen.add(text)
            yield f"--- {kind} ---\n{text}"


def _hidden_styles(package: Package, main: str) -> frozenset[str]:
    styles = _Styles()
    for path in package.related(main, "styles"):
        with package.open(path) as stream:
            for _ in read(stream, styles):
                pass
    return frozenset(styles.hidden)


class _Styles(Visitor):
    def __init__(self) -> None:
        self.hidden: set[str] = set()
        self._style = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        local, values = look(name, attributes)
        if local == "style":
            self._style = values.get("styleId", "")
        inherits = local == "basedOn" and values.get("val") in self.hidden
        if inherits or vanishes(local, values):
            self.hidden.add(self._style)

    def end(self, name: str) -> None:
        """An element ends."""
        if look(name, {})[0] == "style":
            self._style = ""
