"""The JWS compact serialization, read strictly (RFC 7515 section 7.1, RFC 8725 section 3).

PyJWT checks the signature; what it lets through (padding, duplicate members, several megabytes)
stops here, before any cryptography.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from obo_mcp.errors import SignatureInvalid, TokenMalformed
from obo_mcp.secret import Secret

MAX_TOKEN_BYTES = 16 * 1024
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")
_REFUSED_HEADERS = frozenset({"crit", "zip", "b64", "jku", "x5u", "jwk", "x5c"})
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


@dataclass(frozen=True, slots=True, repr=False)
class CompactToken:
    """The parts of a token whose shape is right and whose signature is not yet checked."""

    kid: str
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes

    def check_signature(self, key: RSAPublicKey) -> None:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).

        Raises:
            SignatureInvalid: the signature is not this key's.
        """
        if not _RS256.verify(self.signing_input, key, self.signature):
            raise SignatureInvalid


def parse(token: Secret) -> CompactToken:
    """Take a token apart.

    Raises:
        TokenMalformed: longer than 16 KiB, not three base64url parts, not RS256, a header that
            asks for special treatment, duplicate members, or not UTF-8 JSON objects.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenMalformed("The access token is longer than 16 KiB.")
    parts = _COMPACT.match(token.reveal())
    if parts is None:
        raise TokenMalformed
    header = _object(parts[1])
    return CompactToken(
        kid=_kid(header),
        claims=_object(parts[2]),
        signing_input=f"{parts[1]}.{parts[2]}".encode(),
        signature=_octets(parts[3]),
    )


def _kid(header: dict[str, Any]) -> str:
    if header.get("alg") != "RS256" or not _REFUSED_HEADERS.isdisjoint(header):
        raise TokenMalformed
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenMalformed
    return kid


def _octets(part: str) -> bytes:
    try:
        octets = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise TokenMalformed from None
    if base64.urlsafe_b64encode(octets).rstrip(b"=") != part.encode():
        raise TokenMalformed
    return octets


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(
            _octets(part).decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise TokenMalformed from None
    if not isinstance(value, dict):
        raise TokenMalformed
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenMalformed
    return members


def _no_constant(_: str) -> None:
    raise TokenMalformed
