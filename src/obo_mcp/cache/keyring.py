"""The keys that entries are named and sealed with: the newest seals, all of them open.

Every use has a key of its own, derived with HKDF (RFC 5869) under its own label, so that one
never yields another. To rotate, put a new key first; drop the old one when the longest-lived
entry, one hour or so, has ended.
"""

import base64
import binascii
import hmac
from collections.abc import Iterator, Sequence
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from obo_mcp.errors import ConfigurationError
from obo_mcp.secret import ClearOctets, Secret

KEY_BYTES = 32
ID_BYTES = 8
# No label begins with another: no two uses ever derive the same octets.
_ID, _INDEX, _SEAL, _PURPOSE = b"id v1", b"index v1", b"seal v1", b"purpose v1:"
_STANDARD_BASE64 = str.maketrans("-_", "+/")


class RingKey:
    """One key of the ring. It never shows itself; `id` is derived, so operators name nothing."""

    __slots__ = ("_index_key", "_octets", "id")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.id = _derived(octets, _ID, length=ID_BYTES)
        self._index_key = _derived(octets, _INDEX)

    def name(self, message: bytes) -> bytes:
        """32 octets that name `message`, and tell nothing about it without this key."""
        return hmac.digest(self._index_key, message, "sha256")

    def seal_key(self, salt: bytes, assertion_digest: bytes) -> bytes:
        """The 32 octets that seal one entry: this key alone does not yield them."""
        return _derived(self._octets, _SEAL + assertion_digest, salt=salt)

    def derived(self, purpose: str) -> bytes:
        """32 octets for `purpose`, unrelated to those of any other and to names and seals."""
        return _derived(self._octets, _PURPOSE + purpose.encode())

    def __repr__(self) -> str:
        return f"RingKey({self.id.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a RingKey is not pickled")


class KeyRing:
    """The keys of `Settings.cache_keys`, the newest first; the same key twice counts once.

    Raises:
        ConfigurationError: there is no key, or one is not 32 octets in base64.
    """

    _keys: Sequence[RingKey] = ()  # one that cannot be made has a repr all the same

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._keys = [RingKey(octets) for octets in dict.fromkeys(map(_octets, keys))]
        if not self._keys:
            raise ConfigurationError("OBO_MCP_CACHE_KEYS must hold one key at least")
        self._by_id = {key.id: key for key in self._keys}

    @property
    def newest(self) -> RingKey:
        """The key that seals."""
        return self._keys[0]

    def __iter__(self) -> Iterator[RingKey]:
        return iter(self._keys)

    def with_id(self, key_id: bytes) -> RingKey | None:
        """The key of that id, if it has not been retired."""
        return self._by_id.get(key_id)

    def derived(self, purpose: str) -> list[bytes]:
        """32 octets for `purpose` from each key, newest first: sign with the first, accept all."""
        return [key.derived(purpose) for key in self._keys]

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"


def _derived(key: bytes, label: bytes, *, salt: bytes | None = None, length: int = 32) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=label).derive(key)


def _octets(key: Secret) -> bytes:
    octets = ClearOctets(_decoded(key))
    if len(octets) != KEY_BYTES:
        raise ConfigurationError(
            "OBO_MCP_CACHE_KEYS must hold keys of 32 random bytes in base64, the newest first"
        )
    return octets


def _decoded(key: Secret) -> bytes:
    """The octets that base64 or base64url text stands for; none if it is neither."""
    text = key.reveal().translate(_STANDARD_BASE64).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
