"""A caller, and a token endpoint that stands behind the broker's grant and does as it is told."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass

from obo_mcp.cache.entry import CachedToken
from obo_mcp.errors import OboError, TokenEndpointThrottled, TokenEndpointUnavailable
from obo_mcp.exchange.cause import TransportFailure
from obo_mcp.exchange.refusal import refusal
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from support.tokens import NOW, TENANT

MAIL = Scopes.parse("https://g.example/Mail.Read")
FILES = Scopes.parse("https://g.example/Files.Read")
NEIGHBOUR = "22222222-3333-4444-8555-666666666666"


def a_caller(name="adele", session="1", *, tid=TENANT, expires_at=NOW + 3600) -> Caller:
    assertion = Secret(f"assertion of {name} {session}")
    principal = Principal(
        tid=tid,
        oid=name,
        sub=name,
        azp="client",
        issuer="issuer",
        scopes=frozenset({"mcp.access"}),
        expires_at=expires_at,
        token_digest=assertion.digest(),
    )
    return Caller(principal, assertion, f"correlation of {name}")


def cut() -> OboError:
    """The connection was cut: nobody asked for patience."""
    error = TokenEndpointUnavailable()
    error.__cause__ = TransportFailure("ConnectionError", is_blip=True)
    return error


def too_slow() -> OboError:
    error = TokenEndpointUnavailable()
    error.__cause__ = TransportFailure("ReadTimeout")
    return error


def broken(asked_seconds: int | None = None) -> OboError:
    """A 503, or with no Retry-After a 500."""
    error = TokenEndpointUnavailable(retry_after_seconds=asked_seconds or 5)
    error.__cause__ = TransportFailure(
        "HTTP 500", asked_seconds=asked_seconds, is_blip=asked_seconds is None
    )
    return error


def throttled(asked_seconds: int | None = None, *codes: int) -> OboError:
    """A 429; with 90055 among `codes` the whole tenant is meant."""
    error = TokenEndpointThrottled(retry_after_seconds=asked_seconds or 5)
    error.__cause__ = TransportFailure("HTTP 429", codes=codes, asked_seconds=asked_seconds)
    return error


def refused(code: int, error: str = "invalid_grant", **more: str) -> OboError:
    return refusal({"error": error, "error_codes": [code], **more})


@dataclass(frozen=True)
class Asked:
    """One request as it came to the endpoint."""

    at: float
    tid: str
    oid: str
    scopes: tuple[str, ...]
    claims: str


class TokenEndpoint:
    """Answers with `answers`, each once and in order, then with what `rule` says; notes all.

    An answer is an OboError to raise, or None for a token. While `gate` is shut nobody is
    answered; `takes()` is awaited in every exchange.
    """

    def __init__(self, clock):
        self.clock = clock
        self.asked: list[Asked] = []
        self.answers: deque[OboError | None] = deque()
        self.rule = lambda caller: None
        self.lifetime_seconds = 4000.0
        self.ends: dict[str, float] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.takes = lambda: asyncio.sleep(0)

    async def exchange(self, caller, scopes, claims):
        who = caller.principal
        self.asked.append(Asked(self.clock.monotonic(), who.tid, who.oid, scopes.names, claims))
        token = f"token {len(self.asked)} of {who.oid} for {scopes.names[0]}"
        self.under_way += 1
        try:
            await self.takes()
            await self.gate.wait()
        finally:
            self.under_way -= 1
        answer = self.answers.popleft() if self.answers else self.rule(caller)
        if answer is not None:
            raise answer
        self.ends[token] = self.clock.now() + self.lifetime_seconds
        return CachedToken(
            token=Secret(token),
            scopes=scopes.names,
            expires_at=self.ends[token],
            assertion_expires_at=float(who.expires_at),
        )

    @property
    def asked_by(self) -> Counter[str]:
        """How often the endpoint was asked for each person."""
        return Counter(asked.oid for asked in self.asked)


async def until(holds):
    """Let others go on until `holds()`."""
    while not holds():
        await asyncio.sleep(0)


async def settled():
    """Let every task that needs no time come to its end."""
    for _ in range(20):
        await asyncio.sleep(0)
