"""What a link stands for: sealed, so that nobody can read, write or change one.

AES-256-GCM, NIST SP 800-38D, with a random nonce of 96 bits. Packed first (RFC 1950): the address
inside is long, and a person may have to hand the link on.
"""

import json
import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from obo_graph.wire.gate import Person

Direction = Literal["download", "upload"]

SEALED_CHARS = 8192
"""The longest sealed ticket that is opened; none longer is made."""

_NONCE_BYTES = 12
_PURPOSE = b"obo-graph link 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One file, one direction, until `expires_at` (seconds since the epoch).

    `url` is the address that Graph gave, pre-authenticated; `person` is who asked for the link.
    """

    direction: Direction
    url: str = field(repr=False)
    name: str = field(repr=False)
    content_type: str
    max_bytes: int
    person: Person = field(repr=False)
    expires_at: float


class TicketSeal:
    """Seals tickets with the first of `keys`, opens them with all.

    Each key has 32 octets. Without any, one is made that only this process knows.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = [AESGCM(key) for key in keys or [AESGCM.generate_key(256)]]

    def seal(self, ticket: Ticket) -> str:
        """`ticket` as one segment of a path.

        Raises:
            ValueError: it is longer than what is opened again.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        clear = zlib.compress(json.dumps(asdict(ticket), separators=(",", ":")).encode(), 9)
        packed = nonce + self._ciphers[0].encrypt(nonce, clear, _PURPOSE)
        sealed = urlsafe_b64encode(packed).decode().rstrip("=")
        if len(sealed) > SEALED_CHARS:
            raise ValueError("the ticket is too long for a link")
        return sealed

    def open(self, sealed: str) -> Ticket | None:
        """The ticket in `sealed`, whether it has ended or not; None if it is none of ours."""
        if len(sealed) > SEALED_CHARS or not sealed.isascii():
            return None
        with suppress(ValueError, TypeError, InvalidTag):
            packed = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            fields = json.loads(zlib.decompress(self._opened(packed)))
            return Ticket(**fields | {"person": tuple(fields["person"])})
        return None

    def _opened(self, packed: bytes) -> bytes:
        nonce, rest = packed[:_NONCE_BYTES], packed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(nonce, rest, _PURPOSE)
        raise InvalidTag
