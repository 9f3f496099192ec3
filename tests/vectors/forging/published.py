"""The key sets that the authorities publish, and the odd keys among them that sign nothing."""

import functools
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from vectors.forging.material import (
    ISSUER_V1,
    ISSUER_V2,
    KID,
    LOGIN,
    OTHER_TENANT,
    PERSONAL_TENANT,
    TENANT,
    b64,
    ec_key,
    ed_key,
    number,
    rsa_key,
)

ODD = {
    "use-enc": {"use": "enc"},
    "alg-ps256": {"alg": "PS256"},
    "alg-rs512": {"alg": "RS512"},
    "alg-rsa-oaep": {"alg": "RSA-OAEP"},
    "key-ops-encrypt": {"key_ops": ["encrypt"]},
    "key-ops-sign": {"key_ops": ["sign"]},
    "kty-lower-case": {"kty": "rsa"},
    "foreign-issuer": {"issuer": f"{LOGIN}/{PERSONAL_TENANT}/v2.0"},
}
"""Entries that are sound RSA keys but say that they are for something else, by their `kid`."""


def key_sets() -> dict[str, Any]:
    """By tenant and token version: the issuer and its JWKS document, public halves only."""
    other_v2 = f"{LOGIN}/{OTHER_TENANT}/v2.0"
    theirs = [entry("other-key", "other"), entry(KID, "other-one")]
    return {
        TENANT: {
            "2.0": {"issuer": ISSUER_V2, "jwks": {"keys": _v2_keys()}},
            "1.0": {"issuer": ISSUER_V1, "jwks": {"keys": _v1_keys()}},
        },
        OTHER_TENANT: {
            "2.0": {"issuer": other_v2, "jwks": {"keys": theirs}},
            "1.0": {
                "issuer": f"https://sts.windows.net/{OTHER_TENANT}/",
                "jwks": {"keys": theirs},
            },
        },
    }


def entry(kid: str, key: str | rsa.RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    """A JWK (RFC 7517 section 4) as Entra writes it."""
    private = rsa_key(key) if isinstance(key, str) else key
    public = private.public_key().public_numbers()
    jwk = {"kty": "RSA", "use": "sig", "kid": kid, "n": number(public.n), "e": number(public.e)}
    return jwk | changes


def _v2_keys() -> list[dict[str, Any]]:
    return [
        entry(KID, "one", issuer=ISSUER_V2),
        entry("signing-key-two", "two", issuer=f"{LOGIN}/{{tenantid}}/v2.0"),
        entry("v2-key", "v2"),
        entry("cubic-key", rsa_key("cubic", exponent=3)),
        *(entry(kid, "odd", **changes) for kid, changes in ODD.items()),
        entry("weak-key", rsa_key("weak", bits=1024)),
        entry("exponent-one", "odd", e=number(1)),
        entry("exponent-two", "odd", e=number(2)),
        entry("even-modulus", "odd", n=number(2 * _modulus("odd"))),
        entry("endless-key", "odd", n=number(endless_modulus())),
        {"kty": "EC", "use": "sig", "kid": "ec-key", "crv": "P-256", **_point()},
        {"kty": "OKP", "use": "sig", "kid": "ed-key", "crv": "Ed25519", "x": _ed_point()},
    ]


def _v1_keys() -> list[dict[str, Any]]:
    return [entry(KID, "one"), entry("signing-key-two", "two"), entry("v1-key", "v1")]


def _modulus(name: str) -> int:
    return rsa_key(name).public_key().public_numbers().n


@functools.cache
def endless_modulus() -> int:
    """16,384 bits, odd, of no use but to be slow; the bytes repeat, so that the file is small."""
    return int.from_bytes(b"\xc3\x5a\x69" * 682 + b"\xc3\x5b", "big")


def _point() -> dict[str, str]:
    point = ec_key().public_key().public_numbers()
    return {"x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big"))}


def _ed_point() -> str:
    return b64(ed_key().public_key().public_bytes_raw())
