"""What leaves this process: an entry under a name that says nothing, sealed so that it opens
only where it was put, until it ends, and only for who holds the user assertion.

Octets of an envelope, all but the last part in the clear and all of them authenticated:

    version 1 | ring key id 8 | expiry 8 | salt 16 | nonce 12 | AES-256-GCM ciphertext and tag

The seal key is HKDF-SHA256 (RFC 5869) of ring key, salt and the digest of the assertion, so the
store together with the ring still opens nothing. The name and everything in the clear is the
associated data (NIST SP 800-38D): an entry that was moved, renamed, extended, cut or relabelled
does not open. Who can write to the store can still put back what it held under the same name
before; it is the same person's token, and its expiry stands.
"""

import hashlib
import json
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.keyring import ID_BYTES, KeyRing
from obo_mcp.secret import Secret

NAME_PREFIX = b"obo-mcp:"
"""Every name begins so, and goes on with 64 hexadecimal digits: `~obo-mcp:*` in an ACL."""
VERSION = 1
_NAMES = b"names v1"
_SALT_BYTES, _NONCE_BYTES = 16, 12
_HEADER = struct.Struct(f">B{ID_BYTES}sQ{_SALT_BYTES}s{_NONCE_BYTES}s")
_STEP = 256  # contents are padded to multiples of it: a token's exact length names its owner


class Unopened(Exception):
    """These octets are not what was sealed under that name for that assertion, or it ended."""


class Envelope:
    """Names, seals and opens entries with the keys of `ring`. Knows nothing of any store."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def names(self, key: CacheKey) -> list[bytes]:
        """Where an entry for `key` may lie: one name per ring key, the newest first."""
        message = _message(key)
        return [NAME_PREFIX + each.name(message).hex().encode() for each in self._ring]

    def seal(self, key: CacheKey, entry: CachedToken, assertion: Secret) -> tuple[bytes, bytes]:
        """The name for `entry` and its sealed octets; it opens until `entry.usable_until`."""
        ring_key = self._ring.newest
        name = NAME_PREFIX + ring_key.name(_message(key)).hex().encode()
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        header = _HEADER.pack(VERSION, ring_key.id, _milliseconds(entry), salt, nonce)
        cipher = AESGCM(ring_key.seal_key(salt, _seal_digest(assertion)))
        return name, header + cipher.encrypt(nonce, _written(entry), header + name)

    def open(self, name: bytes, octets: bytes, assertion: Secret, now: float) -> CachedToken:
        """The entry that was sealed under `name` with `assertion`; `now` in Unix seconds.

        Raises:
            Unopened: for anything else, whatever is wrong with it.
        """
        written = self._decrypted(name, octets, assertion, now)
        entry = _read(written) if written is not None else None
        if entry is None:
            raise Unopened
        return entry

    def _decrypted(self, name: bytes, octets: bytes, assertion: Secret, now: float) -> bytes | None:
        if len(octets) < _HEADER.size:
            return None
        header = octets[: _HEADER.size]
        version, key_id, expiry, salt, nonce = _HEADER.unpack(header)
        ring_key = self._ring.with_id(key_id)
        if version != VERSION or ring_key is None or expiry <= now * 1000:
            return None
        cipher = AESGCM(ring_key.seal_key(salt, _seal_digest(assertion)))
        try:
            return cipher.decrypt(nonce, octets[_HEADER.size :], header + name)
        except InvalidTag:
            return None


def _message(key: CacheKey) -> bytes:
    """All fields of `key`, each with its length: no two keys become the same octets."""
    fields = [
        _NAMES,
        key.assertion_digest,
        *map(_octets, (key.tenant_id, key.client_id, key.resource, key.claims)),
        *sorted(map(_octets, key.scopes)),
    ]
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _octets(text: str) -> bytes:
    """Any text at all: the exception for one that cannot be encoded would show it."""
    return text.encode("utf-8", "surrogatepass")


def _seal_digest(assertion: Secret) -> bytes:
    """Another digest than the one in names: who learns that one still opens nothing."""
    return hashlib.sha256(b"seal" + _octets(assertion.reveal())).digest()


def _milliseconds(entry: CachedToken) -> int:
    return max(0, int(entry.usable_until * 1000))


def _written(entry: CachedToken) -> bytes:
    """Token, scopes and both ends, as ASCII JSON padded with blanks, which JSON passes over."""
    parts = [entry.token.reveal(), entry.scopes, entry.expires_at, entry.assertion_expires_at]
    text = json.dumps(parts).encode("ascii")
    return text.ljust(-(-len(text) // _STEP) * _STEP)


def _read(written: bytes) -> CachedToken | None:
    """None, not an exception: that of a JSON parser would hold the token."""
    try:
        token, scopes, expires_at, assertion_expires_at = json.loads(written)
        return CachedToken(
            token=Secret(token),
            scopes=tuple(scopes),
            expires_at=expires_at,
            assertion_expires_at=assertion_expires_at,
        )
    except (ValueError, TypeError):
        return None
