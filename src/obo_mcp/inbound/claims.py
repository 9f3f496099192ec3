"""What an access token must say before it is believed (Entra, "Claims validation")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from obo_mcp.errors import (
    IdTokenPresented,
    InsufficientScope,
    NotDelegated,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    WrongAudience,
    WrongIssuer,
    WrongTenant,
)
from obo_mcp.inbound.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsPolicy:
    """Which tenant, audiences and scope this server accepts.

    `audiences` holds the client id, as v2 tokens carry it, and the Application ID URI forms of
    v1 tokens. `leeway_seconds` forgives clocks that differ, at both ends of a token's life.
    """

    tenant_id: str
    audiences: frozenset[str]
    scope_name: str
    leeway_seconds: int

    def refuse_strangers(self, claims: Mapping[str, Any], *, issuer: str | None) -> None:
        """Name what is foreign about a token whose signature has not been looked at yet.

        Nothing is believed here: claims that are not ours need no key, and a token for another
        application (Graph's cannot even be verified by others) gets its true reason.

        Raises:
            WrongAudience, WrongIssuer, WrongTenant: as `principal` would.
        """
        self._check_audience(claims)
        self._check_origin(claims, issuer if issuer is not None else claims.get("iss"))

    def principal(
        self, claims: Mapping[str, Any], *, issuer: str, now: float, token_digest: bytes
    ) -> Principal:
        """The person that `claims` speak of; `issuer` is the one whose key signed them.

        Raises:
            TokenRejected: the leaf that names what is wrong.
            InsufficientScope: a person's token, but without the required scope.
        """
        self._check_origin(claims, issuer)
        self._check_audience(claims)
        self._check_times(claims, now)
        _check_kind(claims)
        return Principal(
            tid=_text(claims, "tid"),
            oid=_text(claims, "oid"),
            sub=_text(claims, "sub"),
            azp=_text(claims, "azp" if "azp" in claims else "appid"),
            issuer=issuer,
            scopes=self._scopes(claims),
            expires_at=_seconds(claims, "exp"),
            token_digest=token_digest,
        )

    def _check_origin(self, claims: Mapping[str, Any], issuer: object) -> None:
        if claims.get("iss") != issuer:
            raise WrongIssuer
        if claims.get("tid") != self.tenant_id:
            raise WrongTenant

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        audience = claims.get("aud")
        if not isinstance(audience, str) or audience not in self.audiences:
            raise WrongAudience

    def _check_times(self, claims: Mapping[str, Any], now: float) -> None:
        if now >= _seconds(claims, "exp") + self.leeway_seconds:
            raise TokenExpired
        if now < _seconds(claims, "nbf") - self.leeway_seconds:
            raise TokenNotYetValid

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        scopes = frozenset(_text(claims, "scp").split(" ")) - {""}
        if self.scope_name not in scopes:
            raise InsufficientScope(
                f"The access token lacks the scope '{self.scope_name}' that this server requires."
            )
        return scopes


def _check_kind(claims: Mapping[str, Any]) -> None:
    if claims.get("idtyp") == "app":
        raise NotDelegated
    if "scp" in claims:
        return
    if "azp" not in claims and "appid" not in claims:
        raise IdTokenPresented
    raise NotDelegated


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenMalformed(f"The access token has no usable '{name}' claim.")
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 1 << 33:
        raise TokenMalformed(f"The access token has no usable '{name}' claim.")
    return value
