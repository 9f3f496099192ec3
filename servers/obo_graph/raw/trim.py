"""Graph's JSON without what only a program needs, and within a number of characters."""

import json
from typing import Any

from obo_graph.text import clean
from obo_graph.wire.answer import Json

_SHORTER = (4000, 1000, 300, 80, 20)
_DEEPEST = 24
_OPENS_BY_ITSELF = ("tempauth=", "access_token=", "sig=", "sharedaccesssignature")
_ELLIPSIS = "…"


def trimmed(value: Any, depth: int = 0) -> Any:
    """`value` without annotations, nulls, and addresses that open a file for whoever has them.

    Annotations are OData's (`@odata.etag`) and Graph's (`@microsoft.graph.downloadUrl`).
    """
    if depth > _DEEPEST:
        return _ELLIPSIS
    if isinstance(value, dict):
        parts = {key: trimmed(part, depth + 1) for key, part in value.items() if "@" not in key}
        return {key: part for key, part in parts.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return [trimmed(part, depth + 1) for part in value]
    if isinstance(value, str):
        return "" if _opens_by_itself(value) else clean(value)
    return value


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


def _opens_by_itself(text: str) -> bool:
    return text.startswith("http") and any(part in text.lower() for part in _OPENS_BY_ITSELF)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
