"""Who is calling, once that is certain."""

from dataclasses import dataclass, field

from obo_mcp.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A verified person, and the client through which they came.

    The names are Entra's claim names (Entra, "Access token claims reference"): `tid` and `oid`
    together name the person for ever, `sub` only towards this server, `azp` is the calling
    client (`appid` in v1 tokens). `expires_at` is in seconds since the Unix epoch.
    """

    tid: str
    oid: str
    sub: str
    azp: str
    issuer: str
    scopes: frozenset[str]
    expires_at: int
    token_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal together with the user assertion that proves it, for one request."""

    principal: Principal
    assertion: Secret
    correlation_id: str
