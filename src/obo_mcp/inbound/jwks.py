"""The authority's signing keys, kept at hand (Entra, "Signing key rollover").

A known key is answered from memory, whatever the network does. An unknown one may cause a fetch,
shared by everybody who waits and not repeated before a cooldown has passed, so that a flood of
invented key ids costs the authority one request. The last keys that were fetched stay good for
a week when later fetches fail.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import ceil
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from obo_mcp.clock import Clock
from obo_mcp.errors import KeysUnavailable, SigningKeyUnknown
from obo_mcp.inbound.encoding import Unusable
from obo_mcp.inbound.metadata import IssuerKeys, Published
from obo_mcp.observe import record

REFRESH_SECONDS = 3600.0
COOLDOWN_SECONDS = 300.0
FIRST_RETRY_SECONDS = 5.0
LAST_KNOWN_GOOD_SECONDS = 7 * 24 * 3600.0
IDLE_SECONDS = 60.0
"""How often a tenant whose keys nobody has asked for yet is looked at."""
_NEVER = float("-inf")
JITTER = 0.25
"""How much earlier than due a refresh may start, so that replicas do not ask in step."""


class SigningKeys:
    """The keys of one authority; `fetch` gets them, `clock` spaces the fetches out.

    `jitter` answers numbers in [0, 1), evenly spread; `tenant_id` names the tenant in events.
    While one of the token `versions` is missing, the next fetch comes as soon as after a failure.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Published]],
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
        tenant_id: str = "",
        versions: Iterable[str] = ("1.0", "2.0"),
    ) -> None:
        self._tenant_id = tenant_id
        self._versions = frozenset(versions)
        self._fetch = fetch
        self._clock = clock
        self._jitter = jitter
        self._published: Published = MappingProxyType({})
        self._fetched_at: Mapping[str, float] = MappingProxyType({})
        self._tried_at = _NEVER
        self._refresh_after = self._new_pause()
        self._refresh: asyncio.Task[None] | None = None
        self.generation = 0

    @property
    def loaded(self) -> bool:
        """Whether any keys are here that are still good."""
        return any(map(self._kept, self._published))

    def issuer(self, version: str) -> str | None:
        """Who signs tokens of `version` ("1.0", "2.0"); None while that is not known."""
        kept = self._kept(version)
        return kept.issuer if kept else None

    async def find(self, version: str, kid: str) -> tuple[str, RSAPublicKey]:
        """The issuer and public key for tokens of `version` ("1.0", "2.0") signed under `kid`.

        Raises:
            SigningKeyUnknown: the authority publishes no such key.
            KeysUnavailable: it may well, but it cannot be asked at the moment.
        """
        if found := self._known(version, kid):
            self._refresh_when_due(self._refresh_after)
            return found
        if task := self._refresh_when_due(COOLDOWN_SECONDS):
            await _finished(task)
            if found := self._known(version, kid):
                return found
        if self._fetched_at.get(version, _NEVER) < self._tried_at:
            wait = self._tried_at + self._pause(COOLDOWN_SECONDS) - self._clock.monotonic()
            raise KeysUnavailable(retry_after_seconds=max(1, ceil(wait)))
        raise SigningKeyUnknown

    def start_loading(self) -> None:
        """See to it that keys are on their way, unless they are here or were just tried."""
        if not self.loaded:
            self._refresh_when_due(FIRST_RETRY_SECONDS)

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        if self._refresh is not None and self._under_way:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    async def refresh(self) -> None:
        """Fetch now, unless a fetch is already on its way; a failure keeps the keys of before."""
        await asyncio.shield(self._start())

    async def keep_fresh(self, *, at_once: bool = True) -> None:
        """Refresh for ever: within the hour, sooner after a failure.

        Unless `at_once`, nothing is fetched before a first token asks for a key. Without this
        running, a withdrawn key is forgotten only after somebody has used a key again.
        """
        if at_once:
            await self.refresh()
        while True:
            tried_at = self._tried_at
            if tried_at == _NEVER:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            due = tried_at + self._pause(self._refresh_after)
            await asyncio.sleep(due - self._clock.monotonic())
            if tried_at == self._tried_at:
                await self.refresh()

    def _kept(self, version: str) -> IssuerKeys | None:
        """What was last published for `version`, unless that is too long ago."""
        age = self._clock.monotonic() - self._fetched_at.get(version, _NEVER)
        return self._published.get(version) if age < LAST_KNOWN_GOOD_SECONDS else None

    def _known(self, version: str, kid: str) -> tuple[str, RSAPublicKey] | None:
        kept = self._kept(version)
        if kept is None or kid not in kept.keys:
            return None
        return kept.issuer, kept.keys[kid]

    def _new_pause(self) -> float:
        return REFRESH_SECONDS * (1 - JITTER * self._jitter())

    def _pause(self, seconds: float) -> float:
        return seconds if self.loaded else FIRST_RETRY_SECONDS

    def _refresh_when_due(self, seconds: float) -> asyncio.Task[None] | None:
        if self._under_way:
            return self._refresh
        if self._clock.monotonic() - self._tried_at < self._pause(seconds):
            return None
        return self._start()

    @property
    def _under_way(self) -> bool:
        """Whether a fetch is on its way; one of an event loop that has ended never arrives."""
        if self._refresh is None or self._refresh.done():
            return False
        return self._refresh.get_loop() is asyncio.get_running_loop()

    def _start(self) -> asyncio.Task[None]:
        if self._refresh is None or not self._under_way:
            self._tried_at = self._clock.monotonic()
            self._refresh_after = self._new_pause()
            self._refresh = asyncio.get_running_loop().create_task(self._load())
            self._refresh.add_done_callback(self._forget_if_given_up)
        return self._refresh

    def _forget_if_given_up(self, fetch: asyncio.Task[None]) -> None:
        if fetch.cancelled():
            self._tried_at = _NEVER

    async def _load(self) -> None:
        started = self._tried_at
        try:
            published = await self._fetch()
        except Exception as error:  # noqa: BLE001 - whatever it was, the keys of before stay good
            told = {"outcome": "unavailable", "tid": self._tenant_id, "cause": _innermost(error)}
            record("keys", fields=told)
            self._refresh_after = COOLDOWN_SECONDS
            return
        merged = {**self._published, **published}
        if merged != self._published:
            self._published = MappingProxyType(merged)
            self.generation += 1
        if not self._versions <= published.keys():
            self._refresh_after = COOLDOWN_SECONDS
        self._fetched_at = {**self._fetched_at, **dict.fromkeys(published, started)}
        record("keys", fields={"outcome": "fetched", "tid": self._tenant_id})


async def _finished(fetch: asyncio.Task[None]) -> None:
    """Wait for a fetch that others wait for too.

    Raises:
        KeysUnavailable: it was given up, for instance because the server stops.
    """
    await asyncio.wait([fetch])
    if fetch.cancelled():
        raise KeysUnavailable


def _innermost(error: BaseException) -> str:
    """Why a fetch failed: our own words for what we refuse, else the kind of the exception."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) if isinstance(error, Unusable) else type(error).__name__
