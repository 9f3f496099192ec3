"""The authority's signing keys, kept at hand (Entra, "Signing key rollover").

A known key is answered from memory, whatever the network does. An unknown one may cause a fetch,
shared by everybody who waits and not repeated before a cooldown has passed, so that a flood of
invented key ids costs the authority one request. The last keys that were fetched stay good for
a week when later fetches fail.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from obo_mcp.clock import Clock
from obo_mcp.errors import KeysUnavailable, SigningKeyUnknown
from obo_mcp.inbound.metadata import IssuerKeys, Published
from obo_mcp.observe import record

REFRESH_SECONDS = 3600.0
COOLDOWN_SECONDS = 300.0
FIRST_RETRY_SECONDS = 5.0
LAST_KNOWN_GOOD_SECONDS = 7 * 24 * 3600.0
JITTER = 0.25
"""How much earlier than due a refresh may start, so that replicas do not ask in step."""


class SigningKeys:
    """The keys of one authority; `fetch` gets them, `clock` spaces the fetches out.

    `jitter` answers numbers in [0, 1), evenly spread.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Published]],
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._jitter = jitter
        self._published: Published = MappingProxyType({})
        self._fetched_at: Mapping[str, float] = MappingProxyType({})
        self._succeeded_at = float("-inf")
        self._tried_at = float("-inf")
        self._refresh_after = self._new_pause()
        self._refresh: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
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
        self._wanted.set()
        if found := self._known(version, kid):
            self._refresh_when_due(self._refresh_after)
            return found
        if task := self._refresh_when_due(COOLDOWN_SECONDS):
            await asyncio.shield(task)
            if found := self._known(version, kid):
                return found
        if self._fetched_at.get(version, float("-inf")) < self._tried_at:
            wait = self._tried_at + self._pause(COOLDOWN_SECONDS) - self._clock.monotonic()
            raise KeysUnavailable(retry_after_seconds=max(1, ceil(wait)))
        raise SigningKeyUnknown

    def start_loading(self) -> None:
        """See to it that keys are on their way, unless they are here or were just tried."""
        if not self.loaded:
            self._refresh_when_due(COOLDOWN_SECONDS)

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    async def refresh(self) -> None:
        """Fetch now, unless a fetch is already on its way; a failure keeps the keys of before."""
        await asyncio.shield(self._start())

    async def keep_fresh(self, *, at_once: bool = True) -> None:
        """Refresh for ever: about hourly, sooner after a failure.

        Unless `at_once`, nothing is fetched before a first token asks for a key.
        """
        if not at_once:
            await self._wanted.wait()
        while True:
            await self.refresh()
            failed = self._succeeded_at < self._tried_at
            await asyncio.sleep(self._pause(COOLDOWN_SECONDS if failed else self._refresh_after))

    def _kept(self, version: str) -> IssuerKeys | None:
        """What was last published for `version`, unless that is too long ago."""
        age = self._clock.monotonic() - self._fetched_at.get(version, float("-inf"))
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
        if self._refresh is not None and not self._refresh.done():
            return self._refresh
        if self._clock.monotonic() - self._tried_at < self._pause(seconds):
            return None
        return self._start()

    def _start(self) -> asyncio.Task[None]:
        if self._refresh is None or self._refresh.done():
            self._tried_at = self._clock.monotonic()
            self._refresh_after = self._new_pause()
            self._refresh = asyncio.get_running_loop().create_task(self._load())
        return self._refresh

    async def _load(self) -> None:
        started = self._tried_at
        try:
            published = await self._fetch()
        except Exception as error:  # noqa: BLE001 - whatever it was, the keys of before stay good
            cause = type(error.__cause__ or error).__name__
            record("keys", fields={"outcome": "unavailable", "cause": cause})
            return
        merged = {**self._published, **published}
        if merged != self._published:
            self._published = MappingProxyType(merged)
            self.generation += 1
        self._fetched_at = {**self._fetched_at, **dict.fromkeys(published, started)}
        self._succeeded_at = started
        record("keys", fields={"outcome": "fetched"})
