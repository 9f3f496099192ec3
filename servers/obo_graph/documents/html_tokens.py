"""The tags and texts of an HTML document, in time that grows with its length and no faster.

Source: WHATWG HTML, "Tokenization" (section 13.2.5). The standard library's parser takes minutes
for 200 kB of `<a <a <a`, and Rust's and C's build trees of gigabytes from as little.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = r"[ \t\n\f\r]"
_ATTRIBUTE = (
    rf"(?:[ \t\n\f\r/]*+([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"
    rf"(?:{_SPACE}*+={_SPACE}*+(\"[^\"]*+\"?+|'[^']*+'?+|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+)?+)?+)"
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_UNNAMED = re.sub(r"\((?!\?)", "(?:", _ATTRIBUTE)
_TAG = re.compile(rf"<(/?+)([a-zA-Z][^ \t\n\f\r/>]*+)({_UNNAMED}*+)([ \t\n\f\r/]*+)(>?+)")
_COMMENT = re.compile(r"<!--(?:-?+>|.*?(?:--!?+>|\Z))|<[!?/][^>]*+>?+", re.DOTALL)
_NO_TAG = re.compile(r"<(?![a-zA-Z!?/])[^<]*+|[^<]++")
_RAW = frozenset({"iframe", "noembed", "noframes", "noscript", "script", "style", "xmp"})
_RAW_BUT_ENTITIES = frozenset({"textarea", "title"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A start tag or, if `ends`, an end tag; its name in small letters, its attributes unread."""

    name: str
    ends: bool
    closed: bool
    """Whether it ends in "/>", which means something in SVG and MathML only."""
    written: str

    def attributes(self) -> dict[str, str]:
        """The attributes by name in small letters; of one given twice the first counts."""
        found: dict[str, str] = {}
        for name, value in _ATTRIBUTES.findall(self.written):
            found.setdefault(name.lower(), html.unescape(_unquoted(value)))
        return found


def tokens(source: str) -> Iterator[Tag | str]:
    """The tags of `source` and the text between them, in order; comments are left out."""
    at = 0
    while at < len(source):
        if text := _NO_TAG.match(source, at):
            yield html.unescape(text[0])
            at = text.end()
        elif match := _TAG.match(source, at):
            at = match.end()
            if match[5]:  # else the document ends inside of the tag
                tag = Tag(match[2].lower(), bool(match[1]), match[4].endswith("/"), match[3])
                yield tag
                raw = "" if tag.ends else source[at : _raw_end(source, at, tag.name)]
                yield raw if tag.name in _RAW else html.unescape(raw)
                at += len(raw)
        else:
            comment = _COMMENT.match(source, at)
            at = comment.end() if comment else len(source)


def _raw_end(source: str, at: int, name: str) -> int:
    """Where the text of an element ends in which tags are no tags; `at` for all others."""
    if name == "plaintext":
        return len(source)
    if name not in _RAW | _RAW_BUT_ENTITIES:
        return at
    end = re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE).search(source, at)
    return end.start() if end else len(source)


def _unquoted(value: str) -> str:
    if value[:1] in {'"', "'"}:
        return value[1:].removesuffix(value[0])
    return value
