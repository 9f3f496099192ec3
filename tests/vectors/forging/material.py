"""What every forgery starts from: throw-away keys, a person's claims, a token put together.

Nothing here comes from the library: a forger who shares its code would share its mistakes.
"""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

NOW = 1_790_000_000
LEEWAY = 60
TENANT = "5f0c8a1e-7b2d-4c63-9e41-a2d6b8f01c37"
OTHER_TENANT = "b7e1d94c-0a6f-4e28-8d35-c19f27ab5e60"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
CLIENT = "c4d2e6f8-1a3b-4d5c-8e7f-90ab12cd34ef"
URI = f"api://{CLIENT}"
SCOPE = "mcp.access"
LOGIN = "https://login.microsoftonline.com"
ISSUER_V2 = f"{LOGIN}/{TENANT}/v2.0"
ISSUER_V1 = f"https://sts.windows.net/{TENANT}/"
CALLER = "e3a9b7c5-2d4f-4a61-9b83-0c5d7e9f1a2b"
OID = "0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e601"
UPN = "adele.vance@contoso.example"
KID = "signing-key-one"

POLICY: Mapping[str, Any] = {
    "tenants": [TENANT],
    "client_id": CLIENT,
    "audience_uris": [URI, f"{URI}/"],
    "scope": f"{URI}/{SCOPE}",
    "leeway_seconds": LEEWAY,
    "versions": ["1.0", "2.0"],
    "clients": [],
    "agents": "log",
    "app_role": "",
}

Part = Mapping[str, Any] | bytes | str
Signer = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Item:
    """One token, what is wrong with it, who says so, and the error it must get ("" if none)."""

    id: str
    family: str
    token: str
    reason: str
    clause: str
    expected: str
    policy: Mapping[str, Any] = field(default_factory=dict)


@functools.cache
def rsa_key(name: str, bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """The throw-away key of that name; a new one in every run."""
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


@functools.cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


@functools.cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def number(value: int) -> str:
    """Base64urlUInt (RFC 7518 section 2)."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def part(value: Part) -> str:
    """One segment: text as it stands, bytes and JSON in base64url."""
    if isinstance(value, str):
        return value
    return b64(value if isinstance(value, bytes) else compact_json(value))


def rs256(key: rsa.RSAPrivateKey, hashed: hashes.HashAlgorithm | None = None) -> Signer:
    def sign(message: bytes) -> bytes:
        return key.sign(message, padding.PKCS1v15(), hashed or hashes.SHA256())

    return sign


def header(*without: str, **changes: Any) -> dict[str, Any]:
    """The header Entra writes, without some members and with others changed."""
    head = {"typ": "JWT", "alg": "RS256", "kid": KID} | changes
    return {name: value for name, value in head.items() if name not in without}


def token(head: Part | None = None, body: Part | None = None, sign: Signer | None = None) -> str:
    """A compact JWS; what is not said is valid, and so is the signature over what is there."""
    start = part(header() if head is None else head)
    signed = f"{start}.{part(person() if body is None else body)}"
    octets = (sign or rs256(rsa_key("one")))(signed.encode("utf-8", "surrogatepass"))
    return f"{signed}.{b64(octets)}"


def said(*without: str, **changes: Any) -> str:
    """A well signed v2 access token whose claims differ from a person's in just this."""
    return token(body=person(*without, **changes))


def said_v1(*without: str, **changes: Any) -> str:
    return token(body=person_v1(*without, **changes))


def person(*without: str, **changes: Any) -> dict[str, Any]:
    """The claims of a person's v2 access token (Entra, "Access token claims reference")."""
    claims: dict[str, Any] = {
        "aud": CLIENT,
        "iss": ISSUER_V2,
        "iat": NOW - 300,
        "nbf": NOW - 300,
        "exp": NOW + 3900,
        "azp": CALLER,
        "azpacr": "1",
        "name": "Adele Vance",
        "oid": OID,
        "preferred_username": UPN,
        "scp": SCOPE,
        "sub": "H4Wk0pairwiseOfAdele7yQ",
        "tid": TENANT,
        "uti": "b3zE6nUmkUKjVw",
        "ver": "2.0",
    }
    return _changed(claims, without, changes)


def person_v1(*without: str, **changes: Any) -> dict[str, Any]:
    claims = person("azp", "azpacr", "preferred_username") | {
        "aud": URI,
        "iss": ISSUER_V1,
        "appid": CALLER,
        "appidacr": "1",
        "unique_name": UPN,
        "upn": UPN,
        "ver": "1.0",
    }
    return _changed(claims, without, changes)


def application(*without: str, **changes: Any) -> dict[str, Any]:
    """An application's own v2 token: no person, no scope, and `oid` is `sub`."""
    itself = "7c1f3a58-94de-4b0c-a6e2-d85b09f7c413"
    claims = person("scp", "name", "preferred_username", oid=itself, sub=itself, idtyp="app")
    return _changed(claims | {"roles": ["Everything.Read"]}, without, changes)


def application_v1(*without: str, **changes: Any) -> dict[str, Any]:
    claims = application("azp", "azpacr", aud=URI, iss=ISSUER_V1, ver="1.0")
    return _changed(claims | {"appid": CALLER, "appidacr": "2"}, without, changes)


def _changed(claims: dict[str, Any], without: tuple[str, ...], changes: Any) -> dict[str, Any]:
    both = claims | changes
    return {name: value for name, value in both.items() if name not in without}
