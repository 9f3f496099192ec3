"""The text of an HTML body, roughly as Exchange gives it for `outlook.body-content-type="text"`."""

from html.parser import HTMLParser

_UNSEEN = frozenset({"head", "script", "style", "title"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "hr", "blockquote", "table"})


class _Text(HTMLParser):
    """Collects what is shown; a paragraph ends with an empty line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "p":
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data.replace("\r", "").replace("\n", " "))


def plain_text(markup: str) -> str:
    """The text of an HTML document or fragment, without what only looks hidden being dropped."""
    reader = _Text()
    reader.feed(markup)
    reader.close()
    lines = (line.strip() for line in "".join(reader.parts).split("\n"))
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()
