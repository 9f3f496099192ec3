"""What the fuzzer feeds: one input, one reader of what strangers send, and what must then hold.

The first octet of an input chooses the reader, the rest is its material. An AssertionError is a
finding, and so is any exception that the reader does not document.
"""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from fuzz.rules import is_let_in, usable_kids
from fuzz.shapes import b64
from obo_mcp.errors import OboError, SignatureInvalid, TokenMalformed
from obo_mcp.inbound.compact import parse
from obo_mcp.inbound.encoding import json_object
from obo_mcp.inbound.jwk import verification_keys
from obo_mcp.secret import Secret
from support.tokens import ISSUER_V1, ISSUER_V2, NOW, POLICY, claims_v2

SCOPE = POLICY.scope.rpartition("/")[2]
NEVER_SIGNED = hashlib.shake_256(b"nobody holds the factors of this number").digest(256)
MODULUS = int.from_bytes(NEVER_SIGNED) | 1 << 2047 | 1
NOBODYS_KEY = RSAPublicNumbers(65537, MODULUS).public_key()


def token_text(material: bytes) -> str:
    """The text of an Authorization header, as ASGI hands it on."""
    text = material.decode("latin-1")
    try:
        token = parse(Secret(text))
    except TokenMalformed:
        return "TokenMalformed"
    assert isinstance(token.kid, str)
    assert 0 < len(token.kid) <= 256
    assert isinstance(token.claims, dict)
    assert len(text) <= 16 * 1024
    message = token.message
    assert f"{message.signing_input.decode()}.{b64(message.signature)}" == text
    assert message.header["alg"] == "RS256"
    try:
        token.check_signature(NOBODYS_KEY)
    except SignatureInvalid:
        return "read"
    raise AssertionError("a signature that nobody made holds")


def token_parts(material: bytes) -> str:
    """Header and payload in the clear, a line feed between them."""
    header, _, payload = material.partition(b"\n")
    return token_text(f"{b64(header)}.{b64(payload)}.{b64(NEVER_SIGNED)}".encode())


def claims(material: bytes) -> str:
    """The payload of a token whose signature was right."""
    try:
        members = json_object(material)
    except ValueError:
        return "ValueError"
    return decision(members)


def claim_changes(material: bytes) -> str:
    """Changes to the claims of a good token: so short an input reaches further."""
    try:
        changes = json_object(material)
    except ValueError:
        return "ValueError"
    return decision(claims_v2() | changes)


def decision(members: dict[str, Any]) -> str:
    """What the policy decides; that must be what the rule says."""
    rightful = is_let_in(members, now=NOW, leeway=POLICY.leeway_seconds, scope=SCOPE)
    found = admission(members)
    assert (found == "accepted") is rightful, f"{found}, but the rule says {rightful}"
    return found


def admission(members: dict[str, Any]) -> str:
    issuer = ISSUER_V1 if members.get("ver") == "1.0" else ISSUER_V2
    try:
        principal = POLICY.principal(members, issuer=issuer, now=NOW, token_digest=b"digest")
    except OboError as refusal:
        return named_refusal(refusal)
    named = (principal.tid, principal.oid, principal.sub, principal.issuer)
    assert named == tuple(members[name] for name in ("tid", "oid", "sub", "iss"))
    assert SCOPE in principal.scopes
    return "accepted"


def named_refusal(refusal: OboError) -> str:
    assert 400 <= refusal.status < 500
    assert str(refusal).isprintable()
    return type(refusal).__name__


def key_set(material: bytes) -> str:
    """A JWK set, as an authority publishes it."""
    try:
        document = json_object(material)
    except ValueError:
        return "ValueError"
    try:
        keys = verification_keys(document)
    except ValueError:
        keys = {}
    assert sorted(keys) == sorted(usable_kids(document))
    assert all(2048 <= found.key.key_size <= 8192 for found in keys.values())
    return "usable" if keys else "unusable"


READERS = {b"t": token_text, b"p": token_parts, b"c": claims, b"m": claim_changes, b"k": key_set}


def one_input(data: bytes) -> str:
    """What became of the input, in one word."""
    reader = READERS.get(data[:1])
    return reader(data[1:]) if reader else "nobody reads that"
