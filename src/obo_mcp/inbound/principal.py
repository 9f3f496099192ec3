"""Who is calling, once that is certain."""

from dataclasses import dataclass, field

from obo_mcp.secret import Secret

AGENT_IDENTITY = 11
AGENT_USER = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """What the token says about the client that acts (Entra, "Token claims for agents").

    `facets` are the numbers of `xms_act_fct`, `subject_facets` those of `xms_sub_fct`;
    `blueprint` is `xms_par_app_azp`, the application an agent identity was made from. Entra leaves
    them out unless our registration asks for them as optional claims: their absence proves nothing.
    """

    facets: frozenset[int] = frozenset()
    subject_facets: frozenset[int] = frozenset()
    blueprint: str = ""

    @property
    def is_agent(self) -> bool:
        """Whether an agent acts, as far as the token tells."""
        agents = {AGENT_IDENTITY, AGENT_USER}
        return bool(self.blueprint or agents & (self.facets | self.subject_facets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A verified person, or an application where that is admitted, and their calling client.

    The names are Entra's claim names (Entra, "Access token claims reference"): `tid` and `oid`
    together name the person for ever, `sub` only towards this server, `azp` is the calling
    client (`appid` in v1 tokens). `scopes` is `scp`; an application has none, but `roles`.
    `expires_at` is in seconds since the Unix epoch.
    """

    tid: str
    oid: str
    sub: str
    azp: str
    issuer: str
    scopes: frozenset[str]
    expires_at: int
    token_digest: bytes = field(repr=False)
    roles: frozenset[str] = frozenset()
    actor: Actor = field(default_factory=Actor)

    @property
    def is_application(self) -> bool:
        """Whether this is an application by itself: there is nobody to act on behalf of."""
        return not self.scopes


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal together with the user assertion that proves it, for one request."""

    principal: Principal
    assertion: Secret
    correlation_id: str
