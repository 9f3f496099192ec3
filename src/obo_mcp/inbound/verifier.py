"""From the text of an access token to a Principal."""

from collections.abc import Mapping
from typing import NamedTuple

from cachetools import TLRUCache

from obo_mcp.clock import Clock
from obo_mcp.errors import ClientRefused, SigningKeyUnknown
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.compact import CompactToken, check_length, parse
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.principal import Principal
from obo_mcp.observe import record
from obo_mcp.secret import Secret

REMEMBERED = 10_000
REMEMBER_SECONDS = 300.0


class _Verified(NamedTuple):
    principal: Principal
    generation: int


class AccessTokenVerifier:
    """Verifies access tokens of the tenants in `keys`, and remembers them for a while.

    A token is remembered by its SHA-256, for five minutes at most and never past its `exp`;
    a change of its tenant's published keys forgets it.
    """

    def __init__(self, keys: Mapping[str, SigningKeys], policy: ClaimsPolicy, clock: Clock) -> None:
        self._keys = keys
        self._policy = policy
        self._clock = clock
        self._verified: TLRUCache[bytes, _Verified] = TLRUCache(
            REMEMBERED, ttu=_until, timer=clock.now
        )

    async def verify(self, token: Secret) -> Principal:
        """The caller whose token this is (RFC 7519 section 7.2, Entra "Claims validation").

        Raises:
            TokenRejected: the leaf that names what is wrong with the token.
            InsufficientScope, ClientRefused: a good token that does not suffice here.
            KeysUnavailable: the key it names is unknown and the authority cannot be asked.
        """
        check_length(token)
        digest = token.digest()
        known = self._verified.get(digest)
        if known and known.generation == self._keys[known.principal.tid].generation:
            return known.principal
        verified = await self._examine(token, digest)
        self._verified[digest] = verified
        return verified.principal

    async def _examine(self, token: Secret, digest: bytes) -> _Verified:
        compact = parse(token)
        tenant, version = self._policy.origin(compact.claims)
        keys = self._keys[tenant]
        self._check_issuer(compact, keys, version)
        try:
            issuer, key = await keys.find(version, compact.kid)
        except SigningKeyUnknown:
            self._check_issuer(compact, keys, version)  # it may have become known just now
            raise
        generation = keys.generation
        compact.check_signature(key)
        principal = self._policy.principal(
            compact.claims, issuer=issuer, now=self._clock.now(), token_digest=digest
        )
        self._check_client(principal)
        return _Verified(principal, generation)

    def _check_client(self, principal: Principal) -> None:
        try:
            self._policy.check_client(principal)
        except ClientRefused:
            _record("client_refused", principal)
            raise
        if principal.actor.is_agent and self._policy.agents == "log":
            _record("agent_caller", principal)

    def _check_issuer(self, compact: CompactToken, keys: SigningKeys, version: str) -> None:
        if published := keys.issuer(version):
            self._policy.check_issuer(compact.claims, published)


def _record(event: str, principal: Principal) -> None:
    fields = {
        "tid": principal.tid,
        "oid": principal.oid,
        "azp": principal.azp,
        "blueprint": principal.actor.blueprint,
        "facets": " ".join(map(str, sorted(principal.actor.facets))),
    }
    record(event, fields=fields)


def _until(_: bytes, verified: _Verified, now: float) -> float:
    return min(float(verified.principal.expires_at), now + REMEMBER_SECONDS)
