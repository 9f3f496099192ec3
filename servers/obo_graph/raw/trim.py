"""Graph's JSON without what only a program needs, and within a number of characters."""

import html
import json
import re
from typing import Any
from urllib.parse import unquote

from obo_graph.text import clean
from obo_graph.wire.answer import Json

_SHORTER = (4000, 1000, 300, 80, 20)
_DEEPEST = 24
_MOST_CHARS = 32_000
_ELLIPSIS = "…"
# An address, up to what ends one in text, HTML or JSON.
_ADDRESS = re.compile(r"""https?(?::|%3a|%253a)[^\s"'<>\\]+""", re.IGNORECASE)
# A signature in it, a host of thumbnails, or a sharing link. Of these only /:w:/r/ asks who comes.
_OPENS_BY_ITSELF = re.compile(
    r"tempauth=|access_token=|[?&;]sig=|sharedaccesssignature|\.svc\.ms/|//1drv\.ms/|/:[a-z]:/(?!r/)"
)

_OPEN_KEYS = frozenset({"shareId"})  # a sharing link in base64


def trimmed(value: Any, max_chars: int = _MOST_CHARS) -> Any:
    """`value` without annotations, nulls, and addresses that open a file for whoever has them.

    Annotations are OData's (`@odata.etag`) and Graph's (`@microsoft.graph.downloadUrl`). What has
    no room in `max_chars` characters of JSON is not even looked at, so that a workbook does not
    keep a thread busy.
    """
    return _Walk(max_chars).trimmed(value)


class _Walk:
    """On its way through one value. Each part that is kept takes two characters at least."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._left = max_chars

    def trimmed(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if depth > _DEEPEST:
            return _ELLIPSIS
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._list(value, depth)
        return self._text(value) if isinstance(value, str) else value

    def _object(self, value: Json, depth: int) -> Json:
        kept: Json = {}
        for key, part in value.items():
            if self._left <= 0:
                break
            if "@" in key or key in _OPEN_KEYS:
                continue
            left = self._left
            shown = self.trimmed(part, depth + 1)
            if shown in (None, "", [], {}):
                self._left = left
            else:
                kept[key] = shown
        return kept

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for part in value:
            if self._left <= 0:
                break
            kept.append(self.trimmed(part, depth + 1))
        return kept

    def _text(self, value: str) -> str:
        text = value if len(value) <= self._max_chars else value[: self._max_chars] + _ELLIPSIS
        return _without_keys(clean(text))


def text_within(value: Json, max_chars: int) -> tuple[str, bool]:
    """`value` as JSON of at most `max_chars` characters, and whether texts in it were cut.

    Long texts give way first; what is still too long then ends where there is no room left.
    """
    text = _written(value)
    if len(text) <= max_chars:
        return text, False
    for most in _SHORTER:
        text = _written(_shortened(value, most))
        if len(text) <= max_chars:
            return text, True
    return text[: max_chars - 1] + _ELLIPSIS, True


def _shortened(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(part, most) for key, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part, most) for part in value]
    if isinstance(value, str) and len(value) > most:
        return value[: most - 1] + _ELLIPSIS
    return value


def _without_keys(text: str) -> str:
    """`text` without the addresses in it that open something for whoever has them."""
    if "http" not in text.lower():
        return text
    rest = _ADDRESS.sub(_unless_open, text)
    return "" if rest == _ELLIPSIS else rest


def _unless_open(found: re.Match[str]) -> str:
    # Twice: an address can be a parameter of another one, in HTML.
    meant = unquote(unquote(html.unescape(found[0]))).lower()
    return _ELLIPSIS if _OPENS_BY_ITSELF.search(meant) else found[0]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
