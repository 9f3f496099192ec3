"""The JWS compact serialization, read strictly (RFC 7515 section 7.1, RFC 8725 section 3).

PyJWT checks the signature; what it lets through (padding, duplicate members, several megabytes)
stops here, before any cryptography.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from obo_mcp.errors import SignatureInvalid, TokenMalformed
from obo_mcp.inbound.encoding import json_object, octets
from obo_mcp.secret import ClearMembers, Secret

MAX_TOKEN_BYTES = 16 * 1024
MAX_KID_LENGTH = 256
_PART = r"([A-Za-z0-9_-]+)"
_COMPACT = re.compile(rf"{_PART}\.([A-Za-z0-9_-]*)\.{_PART}\Z")
_HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256", "nonce"})
"""What Entra writes into a header. Everything else (`jku`, `x5u`, `jwk`, `x5c`, `crit`, `zip`,
`b64`, `cty` and what is still to be invented) would ask for treatment that nobody here gives."""
_TYPES = frozenset({"jwt", "at+jwt"})
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


@dataclass(frozen=True, slots=True, repr=False)
class SignedMessage:
    """A JWS whose shape is right and whose signature is not yet checked."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    def check_signature(self, key: RSAPublicKey) -> None:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).

        Raises:
            SignatureInvalid: the signature is not this key's.
        """
        if not _RS256.verify(self.signing_input, key, self.signature):
            raise SignatureInvalid


@dataclass(frozen=True, slots=True, repr=False)
class CompactToken:
    """A signed message that holds claims and names its key."""

    kid: str
    claims: dict[str, Any]
    message: SignedMessage

    def check_signature(self, key: RSAPublicKey) -> None:
        """Raises SignatureInvalid unless `key` signed this token."""
        self.message.check_signature(key)


def check_length(token: Secret) -> None:
    """Raises TokenMalformed for more than 16 KiB, before anything is decoded or copied."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenMalformed("The access token is longer than 16 KiB.")


def read(token: Secret) -> SignedMessage:
    """Take a JWS apart.

    Raises:
        TokenMalformed: longer than 16 KiB, not three base64url parts, not RS256, a header
            with members that Entra does not use, duplicate members, or not a UTF-8 JSON object.
    """
    check_length(token)
    parts = _COMPACT.match(token.reveal())
    if parts is None:
        raise TokenMalformed
    try:
        message = SignedMessage(
            header=json_object(octets(parts[1])),
            payload=octets(parts[2]),
            signing_input=f"{parts[1]}.{parts[2]}".encode(),
            signature=octets(parts[3]),
        )
    except ValueError:
        raise TokenMalformed from None
    _check_header(message.header)
    return message


def parse(token: Secret) -> CompactToken:
    """Take an access token apart.

    Raises:
        TokenMalformed: as `read`, and when it names no key or holds no claims.
    """
    message = read(token)
    kid = message.header.get("kid")
    try:
        claims = ClearMembers(json_object(message.payload))
    except ValueError:
        raise TokenMalformed from None
    if kid is None:
        raise TokenMalformed
    return CompactToken(kid, claims, message)


def _check_header(header: Mapping[str, Any]) -> None:
    if header.get("alg") != "RS256":
        raise TokenMalformed
    if not header.keys() <= _HEADERS:
        raise TokenMalformed("The access token's header has a member that this server refuses.")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise TokenMalformed
    kid = header.get("kid", "-")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise TokenMalformed
