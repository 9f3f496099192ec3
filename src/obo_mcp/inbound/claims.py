"""What an access token must say before it is believed (Entra, "Claims validation")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from obo_mcp.errors import (
    AgentNotAllowed,
    AppRoleMissing,
    ClientNotAllowed,
    IdTokenPresented,
    InsufficientScope,
    NotDelegated,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    WrongAudience,
    WrongIssuer,
    WrongTenant,
    WrongVersion,
)
from obo_mcp.inbound import traps
from obo_mcp.inbound.principal import Actor, Principal

V1, V2 = "1.0", "2.0"
VERSIONS = frozenset({V1, V2})
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = re.compile(r"[\x21-\x7e]{1,256}")
_WORDS = re.compile(r"[\x20-\x7e]*")
_OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash"})
_FACET = re.compile(r"[0-9]{1,9}")


class Origin(NamedTuple):
    """Where a token claims to come from: the tenant, and the token version "1.0" or "2.0"."""

    tenant_id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsPolicy:
    """Which tenants, audiences, clients and permissions this server accepts.

    `audience_uris` are the spellings of the Application ID URI, which only v1 tokens carry; v2
    tokens carry `client_id`. `scope` is the required scope, fully qualified. `clients` empty means
    any. `agents` says what becomes of tokens whose actor is an agent: they are admitted ("allow"),
    admitted and recorded ("log") or refused ("deny"). `app_role` admits applications that were
    granted it; empty admits none. `leeway_seconds` forgives clocks that differ, at both ends of a
    token's life.
    """

    tenants: frozenset[str]
    client_id: str
    audience_uris: frozenset[str]
    scope: str
    leeway_seconds: int
    versions: frozenset[str] = VERSIONS
    clients: frozenset[str] = frozenset()
    agents: Literal["log", "allow", "deny"] = "log"
    app_role: str = ""

    def origin(self, claims: Mapping[str, Any]) -> Origin:
        """Where the token claims to come from; a stranger's is refused by what it says itself.

        Nothing is believed here: claims that are not ours need no key, and a token for another
        application (Graph's cannot even be verified by others) gets its true reason.

        Raises:
            TokenMalformed: neither a v1 nor a v2 access token.
            WrongAudience, WrongVersion, WrongTenant: the leaf that names what is foreign.
        """
        version = claims.get("ver")
        if version not in (V1, V2):
            raise TokenMalformed("The access token has no usable 'ver' claim.")
        audience, tenant = claims.get("aud"), claims.get("tid")
        audiences = {self.client_id} if version == V2 else {self.client_id, *self.audience_uris}
        if not isinstance(audience, str) or audience not in audiences:
            raise WrongAudience(traps.foreign_audience(claims, self.scope))
        if version not in self.versions:
            raise WrongVersion(traps.old_version() if version == V1 else None)
        if not isinstance(tenant, str) or tenant not in self.tenants:
            raise WrongTenant(traps.foreign_tenant(claims))
        return Origin(tenant, version)

    def check_issuer(self, claims: Mapping[str, Any], issuer: str) -> None:
        """Raises WrongIssuer unless `issuer`, whose keys we hold, is the one that is named."""
        if claims.get("iss") != issuer:
            raise WrongIssuer(traps.foreign_issuer(claims))

    def principal(
        self, claims: Mapping[str, Any], *, issuer: str, now: float, token_digest: bytes
    ) -> Principal:
        """Whom `claims` speak of; `issuer` is the one whose key signed them.

        Raises:
            TokenRejected: the leaf that names what is wrong.
            InsufficientScope: a person's token without the required scope, or an application's
                without the required role.
        """
        origin = self.origin(claims)
        self.check_issuer(claims, issuer)
        self._check_times(claims, now)
        actor = self._actor(claims)
        scopes = self._scopes(claims, actor)
        return Principal(
            tid=origin.tenant_id,
            oid=_guid(claims, "oid"),
            sub=_plain(claims, "sub"),
            azp=_guid(claims, "azp" if origin.version == V2 else "appid"),
            issuer=issuer,
            scopes=scopes,
            roles=_roles(claims),
            actor=actor,
            expires_at=_seconds(claims, "exp"),
            token_digest=token_digest,
        )

    def check_client(self, principal: Principal) -> None:
        """Raises ClientRefused unless the principal's client, or its agent, may call."""
        if self.clients and principal.azp not in self.clients:
            raise ClientNotAllowed
        if self.agents == "deny" and principal.actor.is_agent:
            raise AgentNotAllowed

    def _actor(self, claims: Mapping[str, Any]) -> Actor:
        """Claims that only inform us keep nobody out, unless agents are to be kept out."""
        try:
            return _actor(claims)
        except TokenMalformed:
            if self.agents == "deny":
                raise
            return Actor()

    def _check_times(self, claims: Mapping[str, Any], now: float) -> None:
        begins = _seconds(claims, "nbf")
        issued = _seconds(claims, "iat") if "iat" in claims else begins
        if now >= _seconds(claims, "exp") + self.leeway_seconds:
            raise TokenExpired
        if now < max(begins, issued) - self.leeway_seconds:
            raise TokenNotYetValid

    def _scopes(self, claims: Mapping[str, Any], actor: Actor) -> frozenset[str]:
        """The scopes of a person's token; none, for an application that is admitted."""
        if "scp" not in claims or claims.get("idtyp", "user") != "user":
            self._admit_application(claims, actor)
            return frozenset()
        scp = claims["scp"]
        if not isinstance(scp, str) or not _WORDS.fullmatch(scp):
            raise _unusable("scp")
        scopes = frozenset(scp.split(" ")) - {""}
        name = self.scope.rpartition("/")[2]
        if name not in scopes:
            raise InsufficientScope(traps.missing_scope(name, self.scope))
        return scopes

    def _admit_application(self, claims: Mapping[str, Any], actor: Actor) -> None:
        _check_access_token(claims)
        itself = "app" if claims.get("oid") == claims.get("sub") else "somebody"
        if claims.get("idtyp", itself) != "app":
            raise NotDelegated(traps.without_scope(self.scope))
        if not self.app_role or "scp" in claims:
            raise NotDelegated(traps.application(actor))
        if self.app_role not in _roles(claims):
            raise AppRoleMissing


def _check_access_token(claims: Mapping[str, Any]) -> None:
    """Raises IdTokenPresented for a token that only tells an app who signed in.

    It names no client, or holds what OpenID Connect Core sections 2 and 3.3.2.11 put there.
    """
    if not claims.keys() & {"azp", "appid"} or claims.keys() & _OF_ID_TOKENS:
        raise IdTokenPresented


def _actor(claims: Mapping[str, Any]) -> Actor:
    blueprint = "xms_par_app_azp"
    return Actor(
        facets=_facets(claims, "xms_act_fct"),
        subject_facets=_facets(claims, "xms_sub_fct"),
        blueprint=_guid(claims, blueprint) if blueprint in claims else "",
    )


def _facets(claims: Mapping[str, Any], name: str) -> frozenset[int]:
    """Numbers between blanks; what is no number is ignored, as Entra asks."""
    text = claims.get(name, "")
    if not isinstance(text, str):
        raise _unusable(name)
    return frozenset(int(word) for word in text.split(" ") if _FACET.fullmatch(word))


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    """The app roles; names of groups, which Entra can be told to put there, are passed over."""
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise _unusable("roles")
    return frozenset(filter(_PLAIN.fullmatch, roles))


def _guid(claims: Mapping[str, Any], name: str) -> str:
    return _matching(claims, name, _GUID)


def _plain(claims: Mapping[str, Any], name: str) -> str:
    return _matching(claims, name, _PLAIN)


def _matching(claims: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise _unusable(name)
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 1 << 33:
        raise _unusable(name)
    return value


def _unusable(name: str) -> TokenMalformed:
    return TokenMalformed(f"The access token has no usable '{name}' claim.")
