"""Where a list goes on: sealed, so that nobody can write one.

A cursor holds Graph's own skip value and an offset, never a URL or a host. It opens only for
the person, the tool and the arguments for which it was made, on every replica that has the key.
AES-GCM, NIST SP 800-38D.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from obo_graph.errors import bad_argument
from obo_graph.wire.gate import Person

_NONCE_BYTES = 12

CURSOR_CHARS = 12_288
"""The longest cursor that is opened. None longer is made: see `PAGE_BYTES`."""

PAGE_BYTES = 8192
"""How many bytes of JSON a position's page may have; sealed and in base64 it gets longer."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: the page's query options, and how many of its rows are done."""

    page: dict[str, str] = field(default_factory=dict)
    offset: int = 0


class CursorSeal:
    """Seals cursors with the first of `keys`, opens them with all.

    Each key has 32 octets. Without any, one is made that only this process knows.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = [AESGCM(key) for key in keys or [AESGCM.generate_key(256)]]

    def seal(self, position: Position, person: Person, tool: str, arguments: dict[str, Any]) -> str:
        """The cursor that stands for `position` towards this person, tool and arguments."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        clear = _compact([position.page, position.offset])
        sealed = self._ciphers[0].encrypt(nonce, clear, _bound_to(person, tool, arguments))
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, cursor: str, person: Person, tool: str, arguments: dict[str, Any]) -> Position:
        """The position in `cursor`; the beginning for an empty one.

        Raises:
            ToolError: it was not made with our keys for this person, tool and arguments.
        """
        if not cursor:
            return Position()
        try:
            clear = self._opened(_decoded(cursor), _bound_to(person, tool, arguments))
        except (ValueError, InvalidTag):
            raise bad_argument(
                "cursor",
                "does not fit; repeat the call with the very arguments that gave it, "
                "or start over without it",
            ) from None
        page, offset = json.loads(clear)
        return Position(page, offset)

    def _opened(self, sealed: bytes, bound: bytes) -> bytes:
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(nonce, rest, bound)
        raise InvalidTag


def _decoded(cursor: str) -> bytes:
    if len(cursor) > CURSOR_CHARS or not cursor.isascii():
        raise ValueError("not a cursor")
    sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    if len(sealed) <= _NONCE_BYTES:
        raise ValueError("not a cursor")
    return sealed


def _bound_to(person: Person, tool: str, arguments: dict[str, Any]) -> bytes:
    return _compact([*person, tool, sorted(arguments.items())])


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
