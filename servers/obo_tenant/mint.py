"""Makes and checks one tenant's own tokens.

Claims follow Entra, "Access token claims reference" and "ID token claims reference". The version of
an access token is the resource's choice (`requestedAccessTokenVersion`), never the endpoint's.
"""

import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from obo_tenant.agent_id import exchange_subject
from obo_tenant.apps import GRAPH_AUDIENCE, GRAPH_ID, Application
from obo_tenant.clock import Clock
from obo_tenant.directory import Account
from obo_tenant.grants import SignIn
from obo_tenant.keys import KeyRing, SigningKey, base64url
from obo_tenant.people import HOME

SHORTEST_SECONDS, LONGEST_SECONDS = 3600, 5400
_ID_TOKEN_SECONDS = 3600
_PAIRWISE = HOME.tenant_id.encode()  # any constant will do: object ids are unique in the world
_SKEW_SECONDS = 300


class BadSignature(Exception):
    """The token was not signed by a published key of this tenant; the text says why, publicly."""


class Malformed(Exception):
    """The text is no JWT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an access token is about. Without an account it is the client's own (app-only)."""

    client: Application
    resource: Application
    spelling: str
    scopes: tuple[str, ...]
    account: Account | None
    session_id: str | None = None


class Mint:
    """Signs tokens with the tenant's keys, and knows them again."""

    def __init__(
        self,
        keys: KeyRing,
        base_url: str,
        clock: Clock,
        seed: int,
        tenant_id: str = HOME.tenant_id,
    ) -> None:
        self.keys = keys
        self.tenant_id = tenant_id
        self.issuer_v1 = f"https://sts.windows.net/{tenant_id}/"
        self.issuer_v2 = f"{base_url}/{tenant_id}/v2.0"
        self._clock = clock
        self._lifetimes = random.Random(seed)

    def lifetime(self) -> int:
        """60 to 90 minutes in seconds, at random, as Entra's default lifetimes are."""
        return self._lifetimes.randint(SHORTEST_SECONDS, LONGEST_SECONDS)

    def access_claims(
        self, subject: Subject, lifetime_seconds: int, version: int | None = None
    ) -> dict[str, Any]:
        """The claims of an access token; `version` defaults to the resource's wish."""
        version = version or subject.resource.token_version
        shape = _v2_claims if version == 2 else _v1_claims
        return {
            "aud": _audience(subject, version),
            "iss": self.issuer_v2 if version == 2 else self.issuer_v1,
            **self._times(lifetime_seconds),
            **shape(subject),
            **_who(subject, self.tenant_id),
            "rh": f"1.{base64url(secrets.token_bytes(24))}.",
            "tid": self.tenant_id,
            "uti": base64url(secrets.token_bytes(16)),
            "ver": "2.0" if version == 2 else "1.0",
            "xms_ftd": base64url(secrets.token_bytes(33)),
        }

    def id_claims(
        self, audience: str, account: Account, sign_in: SignIn | None = None
    ) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core 2), with what `sign_in` knows."""
        claims = {
            "aud": audience,
            "iss": self.issuer_v2,
            **self._times(_ID_TOKEN_SECONDS),
            "name": account.person.name,
            "auth_time": sign_in.auth_time if sign_in else None,
            "nonce": sign_in.nonce if sign_in else None,
            "oid": account.person.oid,
            "preferred_username": account.person.user_principal_name,
            "rh": f"1.{base64url(secrets.token_bytes(24))}.",
            "sid": (sign_in.session_id if sign_in else "") or account.session_id,
            "sub": pairwise(account.person.oid, audience),
            "tid": self.tenant_id,
            "uti": base64url(secrets.token_bytes(16)),
            "ver": "2.0",
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], *, foreign: bool = False) -> str:
        """A compact JWS. `foreign` signs with an unpublished key under a published key id.

        A Graph token carries a `nonce` in its header which was hashed when it was signed, so that
        nobody but Graph can verify it.
        """
        key, kid = self.keys.current, self.keys.current.kid
        signer = self.keys.foreign if foreign else key
        if claims.get("aud") != GRAPH_AUDIENCE:
            return _encode(claims, signer, {"kid": kid})
        nonce = base64url(secrets.token_bytes(32))
        signed = _encode(claims, signer, {"kid": kid, "x5t": kid, "nonce": _hashed(nonce)})
        return _with_nonce(signed, nonce)

    def names_key(self, token: str) -> bool:
        """Whether the header of `token` names one of the published keys; nothing is verified."""
        try:
            return self.keys.find(jwt.get_unverified_header(token).get("kid")) is not None
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return False

    def verify(self, token: str) -> dict[str, Any]:
        """Check signature and issuer only, and return the claims.

        Raises:
            Malformed: not a JWT with an object of claims.
            BadSignature: unknown key, wrong algorithm, wrong signature, or a stranger's issuer.
        """
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Malformed("The token is not a JSON web token.") from None
        key = self.keys.find(header.get("kid"))
        if key is None:
            raise BadSignature("The key was not found.")
        try:
            payload = jwt.PyJWS(algorithms=["RS256"]).decode(
                token, key.private.public_key(), algorithms=["RS256"]
            )
            claims = json.loads(payload)
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise BadSignature("The provided signature value did not match.") from None
        if not isinstance(claims, dict):
            raise Malformed("The token holds no claims.")
        if claims.get("iss") not in (self.issuer_v2, self.issuer_v1):
            raise BadSignature("The issuer is not this tenant.")
        return claims

    def check(self, token: str, audiences: Collection[str]) -> dict[str, Any]:
        """The claims of a valid bearer token for one of `audiences`, as Graph checks it.

        Raises:
            PermissionError: with the public words of Microsoft Graph.
        """
        try:
            claims = self.verify(_with_hashed_nonce(token))
        except (Malformed, ValueError):
            raise PermissionError("CompactToken parsing failed with error code: 80049217") from None
        except BadSignature:
            raise PermissionError("Access token validation failure. Invalid signature.") from None
        if claims.get("aud") not in tuple(audiences):  # a claim may be anything, also a list
            raise PermissionError("Access token validation failure. Invalid audience.")
        if not self.in_time(claims):
            raise PermissionError("Lifetime validation failed, the token is expired.")
        return claims

    def in_time(self, claims: Mapping[str, Any]) -> bool:
        """Whether now lies within `nbf` (five minutes of grace) and `exp`."""
        now = self._clock()
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not (isinstance(expires, int | float) and isinstance(begins, int | float)):
            return False
        return begins - _SKEW_SECONDS <= now < expires

    def _times(self, lifetime_seconds: int) -> dict[str, int]:
        now = int(self._clock())
        issued = now if lifetime_seconds > 0 else now + lifetime_seconds - SHORTEST_SECONDS
        return {"iat": issued, "nbf": issued, "exp": now + lifetime_seconds}


def pairwise(oid: str, audience: str) -> str:
    """The `sub` of a person or principal towards one application: stable, and useless elsewhere."""
    digest = hmac.digest(_PAIRWISE, f"{oid}/{audience}".encode(), hashlib.sha256)
    return base64url(digest)


def _audience(subject: Subject, version: int) -> str:
    if subject.resource.client_id == GRAPH_ID:
        return GRAPH_AUDIENCE
    return subject.resource.client_id if version == 2 else subject.spelling


def _v2_claims(subject: Subject) -> dict[str, Any]:
    client = {"azp": subject.client.client_id, "azpacr": _proof(subject.client)}
    if subject.account is None:
        return client
    return client | {"preferred_username": subject.account.person.user_principal_name}


def _v1_claims(subject: Subject) -> dict[str, Any]:
    client = {
        "app_displayname": subject.client.display_name,
        "appid": subject.client.client_id,
        "appidacr": _proof(subject.client),
    }
    if subject.account is None:
        return client
    person = subject.account.person
    given, _, family = person.name.partition(" ")
    return client | {
        "acr": "1",
        "amr": ["pwd"],
        "family_name": family,
        "given_name": given,
        "unique_name": person.user_principal_name,
        "upn": person.user_principal_name,
    }


def _proof(client: Application) -> str:
    return "0" if client.public else client.proof


def _who(subject: Subject, tenant_id: str) -> dict[str, Any]:
    if subject.account is None:
        return _app_itself(subject, tenant_id)
    person = subject.account.person
    return _acting(subject.client, "1") | {
        "idtyp": "user",
        "name": person.name,
        "oid": person.oid,
        "scp": " ".join(subject.scopes),
        "sid": subject.session_id or subject.account.session_id,
        "sub": pairwise(person.oid, subject.resource.client_id),
    }


def _app_itself(subject: Subject, tenant_id: str) -> dict[str, Any]:
    """An application's own claims; without a role on the resource it gets a token all the same."""
    client = subject.client
    path = client.fmi_path
    sub = exchange_subject(tenant_id, client.client_id, path) if path else client.principal_id
    claims = {"idtyp": "app", "oid": client.principal_id, "sub": sub}
    granted = client.granted_roles.get(subject.resource.name)
    roles = {"roles": list(granted)} if granted else {}
    itself = {"xms_sub_fct": "11"} if client.agent_identity else {}
    return {**claims, **roles, **_acting(client, "7"), **itself}


def _acting(client: Application, relation: str) -> dict[str, str]:
    """What is said of an agent identity that acts, for itself or for a person.

    Entra, "Token claims reference for agent IDs": 11 is an agent identity; the subject's relation
    to the tenant is 1 for a member, 7 for a principal.
    """
    if client.parent is None:
        return {}
    return {"xms_act_fct": "11", "xms_idrel": relation, "xms_par_app_azp": client.parent}


def _encode(claims: Mapping[str, Any], key: SigningKey, headers: dict[str, str]) -> str:
    return jwt.encode(dict(claims), key.private, "RS256", headers=headers)


def _hashed(nonce: str) -> str:
    return base64url(hashlib.sha256(nonce.encode()).digest())


def _with_nonce(token: str, nonce: str) -> str:
    _, payload, signature = token.split(".")
    header = jwt.get_unverified_header(token) | {"nonce": nonce}
    return f"{_header(header)}.{payload}.{signature}"


def _with_hashed_nonce(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError):
        raise Malformed("The token is not a JSON web token.") from None
    nonce = header.get("nonce")
    return _with_nonce(token, _hashed(nonce)) if isinstance(nonce, str) else token


def _header(header: Mapping[str, Any]) -> str:
    return base64url(json.dumps(header, separators=(",", ":")).encode())
