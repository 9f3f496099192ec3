"""Access tokens as Entra shapes them, signed with keys made for the test run."""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from obo_mcp.clock import Clock
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import IssuerKeys, Published
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.secret import Secret

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-8888-4777-8666-555555555555"
ISSUER_V2 = f"https://login.example/{TENANT}/v2.0"
ISSUER_V1 = f"https://sts.windows.net/{TENANT}/"
NOW = 1_790_000_000
KID = "key-one"


POLICY = ClaimsPolicy(
    tenants=frozenset({TENANT}),
    client_id=CLIENT,
    audience_uris=frozenset({f"api://{CLIENT}", f"api://{CLIENT}/"}),
    scope=f"api://{CLIENT}/mcp.access",
    leeway_seconds=60,
)


@functools.cache
def key(name: str) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def published(*kids: str) -> Published:
    keys = MappingProxyType({kid: key(kid).public_key() for kid in kids or (KID,)})
    return MappingProxyType(
        {"2.0": IssuerKeys(ISSUER_V2, keys), "1.0": IssuerKeys(ISSUER_V1, keys)}
    )


def verifier(
    clock: Clock, policy: ClaimsPolicy = POLICY, publication: Published | None = None
) -> AccessTokenVerifier:
    """Verifies against `publication`, by default the one key of this run, for our one tenant."""

    async def fetch() -> Published:
        return publication or published()

    return AccessTokenVerifier({TENANT: SigningKeys(fetch, clock)}, policy, clock)


def claims_v2(**changes: Any) -> dict[str, Any]:
    claims = {
        "aud": CLIENT,
        "iss": ISSUER_V2,
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 3600,
        "azp": "aaaaaaaa-1111-4222-8333-444444444444",
        "azpacr": "1",
        "name": "Adele Vance",
        "oid": "0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e601",
        "scp": "mcp.access",
        "sub": "pairwise-adele",
        "tid": TENANT,
        "ver": "2.0",
    }
    return _changed(claims, changes)


def claims_v1(**changes: Any) -> dict[str, Any]:
    claims = claims_v2(aud=f"api://{CLIENT}", iss=ISSUER_V1, ver="1.0", azp=None, azpacr=None) | {
        "appid": "aaaaaaaa-1111-4222-8333-444444444444",
        "appidacr": "1",
    }
    return _changed(claims, changes)


def sign(claims: Mapping[str, Any], *, kid: str = KID, with_key: str = "", **header: Any) -> Secret:
    headers = {"kid": kid, **header}
    return Secret(jwt.encode(dict(claims), key(with_key or kid), "RS256", headers=headers))


def _changed(claims: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (claims | changes).items() if value is not None}
