"""Base64url and JSON as JOSE means them, without the latitude of the usual decoders.

RFC 7515 section 2 (base64url, no padding), RFC 8725 sections 3.4 and 3.7 (strict input, UTF-8),
RFC 7515 section 4 (member names are unique).
"""

import base64
import binascii
import json
from contextlib import suppress
from typing import Any, NoReturn


class Unusable(ValueError):
    """Something published or presented cannot be used; the text says why, and quotes nothing."""


def octets(text: str) -> bytes:
    """Decode base64url.

    Raises:
        Unusable: padding, another alphabet, blanks, or bits that the encoding leaves over.
    """
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise Unusable("not base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode():
        raise Unusable("not canonical base64url")
    return decoded


def json_object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        Unusable: not UTF-8 (a byte order mark included), not JSON, not an object, NaN or
            Infinity, nested beyond reason, or a member that occurs twice anywhere.
    """
    value: object = None
    # What the decoders raise holds the text they read: it must not travel on, not as a context.
    with suppress(ValueError, RecursionError):
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    if isinstance(value, dict):
        return value
    raise Unusable("not one plain JSON object")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unusable("a member occurs twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise Unusable("NaN and Infinity are not JSON")
