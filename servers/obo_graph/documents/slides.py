"""The text of a presentation (pptx): its slides in order, each with its notes."""

from collections.abc import Iterator

from obo_graph.documents.extract import Pieces
from obo_graph.documents.markup import Attributes, Visitor, read
from obo_graph.documents.package import Package
from obo_graph.documents.pages import chosen
from obo_graph.documents.prose import prose


def pieces(content: bytes, pages: str) -> Pieces:
    """The text of the slides of `content` that `pages` asks for.

    Raises:
        Unreadable: `broken`, `protected`, `too_large` or `pages`.
    """
    package = Package(content)
    slides = _slides(package)
    return Pieces(len(slides), _texts(package, slides, chosen(pages, len(slides))))


def _texts(package: Package, slides: list[str], wanted: list[int]) -> Iterator[str]:
    for at in wanted:
        yield f"--- slide {at + 1} of {len(slides)} ---\n"
        with package.open(slides[at]) as stream:
            yield from prose(stream)
        for notes in package.related(slides[at], "notesSlide"):
            with package.open(notes) as stream:
                text = "".join(prose(stream))
            if text:
                yield f"Notes: {text}"


def _slides(package: Package) -> list[str]:
    main = package.main_part()
    order = _Order()
    with package.open(main) as stream:
        for _ in read(stream, order):
            pass
    targets = {relation.key: relation.target for relation in package.relations(main)}
    paths = [targets.get(key, "") for key in order.keys]
    return [path for path in paths if path in package]


class _Order(Visitor):
    def __init__(self) -> None:
        self.keys: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if name.endswith(" sldId"):
            # The plain attribute `id` is another number: the relation's has a namespace.
            self.keys += [value for key, value in attributes.items() if key.endswith(" id")]
