"""The signing keys in a JWK set, chosen with suspicion (RFC 7517, RFC 7518 section 6.3)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from obo_mcp.inbound.encoding import Unusable, octets

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MIN_EXPONENT = 3
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public RSA key, and whose it is where the set says so (Entra's own member `issuer`)."""

    key: RSAPublicKey
    issuer: str | None


def verification_keys(document: Mapping[str, Any]) -> Mapping[str, VerificationKey]:
    """The RS256 verification keys of a JWK set, by `kid`.

    Keys of another kind or purpose, too short or without a `kid`, are passed over.

    Raises:
        Unusable: no set, an ambiguous one (a usable `kid` occurs twice), one with a secret in
            it, or none of its keys can be used.
    """
    found = document.get("keys")
    named = [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []
    if any(_SECRET_MEMBERS & entry.keys() for entry in named):
        raise Unusable("the JWK set publishes a secret key")
    keys = {}
    for entry in named:
        if isinstance(kid := entry.get("kid"), str) and kid and (key := _usable(entry)):
            keys[kid] = key
    kids = Counter(kid for entry in named if isinstance(kid := entry.get("kid"), str))
    if not keys or any(kids[kid] > 1 for kid in keys):
        raise Unusable("no usable or no unambiguous key in the JWK set")
    return MappingProxyType(keys)


def _usable(entry: Mapping[str, Any]) -> VerificationKey | None:
    issuer = entry.get("issuer")
    key = _public_key(entry) if _verifies_rs256(entry) else None
    if key is None or not isinstance(issuer, str | None):
        return None
    return VerificationKey(key, issuer)


def _verifies_rs256(entry: Mapping[str, Any]) -> bool:
    """What the key is for (RFC 7517 sections 4.1 to 4.4)."""
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _public_key(entry: Mapping[str, Any]) -> RSAPublicKey | None:
    try:
        modulus, exponent = (int.from_bytes(octets(entry[name])) for name in ("n", "e"))
        sized = MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS and exponent >= MIN_EXPONENT
        if not sized or not modulus & exponent & 1:
            return None
        return RSAPublicNumbers(exponent, modulus).public_key()
    except (KeyError, TypeError, ValueError):
        return None
