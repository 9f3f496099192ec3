"""From the text of an access token to a Principal."""

from cachetools import TLRUCache

from obo_mcp.clock import Clock
from obo_mcp.errors import TokenMalformed
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.compact import parse
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.principal import Principal
from obo_mcp.secret import Secret

REMEMBERED = 10_000
REMEMBER_SECONDS = 300.0


class AccessTokenVerifier:
    """Verifies access tokens of one authority, and remembers what it verified for a while.

    A token is remembered by its SHA-256, for five minutes at most and never past its `exp`;
    a change of the published keys forgets them all.
    """

    def __init__(self, keys: SigningKeys, policy: ClaimsPolicy, clock: Clock) -> None:
        self._keys = keys
        self._policy = policy
        self._clock = clock
        self._generation = keys.generation
        self._verified: TLRUCache[bytes, Principal] = TLRUCache(
            REMEMBERED, ttu=_until, timer=clock.now
        )

    async def verify(self, token: Secret) -> Principal:
        """The person whose token this is (RFC 7519 section 7.2, Entra "Claims validation").

        Raises:
            TokenRejected: the leaf that names what is wrong with the token.
            InsufficientScope: a person's token without the required scope.
            KeysUnavailable: the key it names is unknown and the authority cannot be asked.
        """
        digest = token.digest()
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._verified.clear()
        try:
            return self._verified[digest]
        except KeyError:
            principal = await self._examine(token, digest)
        self._verified[digest] = principal
        return principal

    async def _examine(self, token: Secret, digest: bytes) -> Principal:
        compact = parse(token)
        version = compact.claims.get("ver")
        if version not in ("1.0", "2.0"):
            raise TokenMalformed("The access token has no usable 'ver' claim.")
        self._policy.refuse_strangers(compact.claims, issuer=self._keys.issuer(version))
        issuer, key = await self._keys.find(version, compact.kid)
        compact.check_signature(key)
        return self._policy.principal(
            compact.claims, issuer=issuer, now=self._clock.now(), token_digest=digest
        )


def _until(_: bytes, principal: Principal, now: float) -> float:
    return min(float(principal.expires_at), now + REMEMBER_SECONDS)
