"""JSON that can be answered again: no NaN, no infinity, no half of a surrogate pair.

Python reads all three and then cannot write them as JSON in UTF-8 (RFC 8259 sections 6 and 8).
"""

import json
import math
from typing import Any

_DEEPEST = 64


def read_json(text: str | bytes | bytearray) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is no JSON, is nested too deeply, or holds what cannot be written.
    """
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("this is no JSON that could be written again") from None
    return value


def writable(value: Any, depth: int = 0) -> Any:
    """`value` with whatever JSON cannot carry made harmless.

    Half surrogates become question marks; NaN, infinities and what lies 64 levels deep become null.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth == _DEEPEST and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {writable(str(name)): writable(inner, depth + 1) for name, inner in value.items()}
    return [writable(inner, depth + 1) for inner in value] if isinstance(value, list) else value
