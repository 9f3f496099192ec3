"""Headers under which bytes that a stranger wrote leave from our address without harm."""

import re
from urllib.parse import quote

from obo_graph.text import one_line

_NAME_BYTES = 240
_SEPARATORS = re.compile(r'[\\/:*?"<>|]')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()\-]")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_SHOWN_BY_NOBODY = "application/octet-stream"
_HARMLESS = frozenset(
    {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"}
)

ALWAYS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
"""On every answer to a link."""

SEALED_OFF = {
    **ALWAYS,
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
}
"""On every answer to a link that is no page of ours."""


def content_type(named: str) -> str:
    """`named` if it is on a short list of types that run nowhere, else octets."""
    plain = named.partition(";")[0].strip().lower()
    return plain if plain in _HARMLESS else _SHOWN_BY_NOBODY


def disposition(name: str) -> str:
    """`attachment` under `name` (RFC 6266 section 4.3, RFC 8187), for old clients in ASCII."""
    safe = _SEPARATORS.sub("_", _shortened(name)).strip(" .") or "file"
    plain = _NOT_PLAIN.sub("_", safe)
    encoded = quote(safe, safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _shortened(name: str) -> str:
    """`name` on one line; where it is too long, its ending stays, as that says what it is."""
    whole = one_line(name, _NAME_BYTES)
    ending = _ENDING.search(one_line(name, 4 * _NAME_BYTES))
    if ending is None or whole.endswith(ending[0]):
        return whole
    return one_line(name, _NAME_BYTES - len(ending[0])) + ending[0]
