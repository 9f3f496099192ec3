"""When to ask Graph again, and for how long one tool call may go on.

Around the transport, never inside it: the SDK's own retry step sends a POST again after an
ambiguous failure and may sleep for minutes, while an agent gives a tool call 100 s in all.
The exchange before may take 30 s of these and a reader of documents 15 after, so Graph gets 44; an
exchange that a claims challenge makes necessary counts among these 44.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import anyio

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer
from obo_graph.wire.download import FileBytes
from obo_mcp.clock import Clock

Again = Literal["always", "throttled", "never"]
"""After which failures to send again: all that pass by, for what only reads; 429, by which Graph
has done nothing, for what changes something; none, for what must not happen twice."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds; tests pass one that moves their clock instead."""

Outcome = TypeVar("Outcome", bound=Answer | FileBytes)

_THROTTLED = 429
_PASSING = frozenset({503, 504})
_SUGGESTED_SECONDS = 30.0
_LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """How long to be patient with Graph (Graph, "Throttling guidance")."""

    one_wait_seconds: float = 10
    all_waits_seconds: float = 20
    call_seconds: float = 44
    first_wait_seconds: float = 0.5
    attempts: int = 6


class Patience:
    """What is left of one tool call's time; shared by all its requests."""

    def __init__(self, rules: RetryRules, clock: Clock, sleep: Sleep) -> None:
        self._rules = rules
        self._clock = clock
        self._sleep = sleep
        self._waited_seconds = 0.0
        self._deadline = clock.monotonic() + rules.call_seconds

    async def run(self, again: Again, attempt: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The first outcome of `attempt` that is no failure; `again` says after which to repeat.

        Raises:
            GraphFailure: it failed for good, or longer than anyone should wait; then
                `retry_after_seconds` says when asking again makes sense.
        """
        retries = 0
        while True:
            outcome = await self._once(attempt)
            if not isinstance(outcome, GraphFailure):
                return outcome
            wait_seconds = self.wait_seconds(again, outcome, retries)
            if wait_seconds is None:
                raise outcome
            retries += 1
            await self.wait(wait_seconds)

    async def wait(self, seconds: float) -> None:
        """Wait, on account of this call."""
        self._waited_seconds += seconds
        await self._sleep(seconds)

    async def _once(self, attempt: Callable[[], Awaitable[Outcome]]) -> Outcome | GraphFailure:
        left_seconds = self._deadline - self._clock.monotonic()
        try:
            with anyio.fail_after(max(left_seconds, 0)):
                outcome = await attempt()
        except TimeoutError:
            raise GraphFailure(NO_ANSWER, "deadline") from None
        except GraphFailure as failure:
            if failure.code != "unreachable":
                raise
            return failure
        return (outcome.failure() if isinstance(outcome, Answer) else None) or outcome

    def wait_seconds(self, again: Again, failure: GraphFailure, retries: int) -> float | None:
        """How long to wait before asking again; None if that would be wrong or too long."""
        passing = failure.status in _PASSING or failure.status == NO_ANSWER
        if failure.status != _THROTTLED and not passing:
            return None
        asked = self._retry_after_seconds(failure.retry_after)
        # No answer may talk us into asking again at once: `0` and a date gone by mean soon.
        wait = max(asked or 0.0, self._rules.first_wait_seconds * 2**retries)
        failure.retry_after_seconds = _SUGGESTED_SECONDS if asked is None else max(asked, 1.0)
        wrong = again == "never" or (passing and again != "always")
        if wrong or retries + 1 >= self._rules.attempts:
            return None
        return wait if self._affordable(wait) else None

    def _affordable(self, wait_seconds: float) -> bool:
        rules = self._rules
        return (
            wait_seconds <= rules.one_wait_seconds
            and self._waited_seconds + wait_seconds <= rules.all_waits_seconds
            and self._clock.monotonic() + wait_seconds < self._deadline
        )

    def _retry_after_seconds(self, value: str) -> float | None:
        """RFC 9110 section 10.2.3: seconds, or a date; a day at most."""
        if value.isascii() and value.isdigit():
            return min(float(value[:9]), _LONGEST_SECONDS)
        try:
            seconds = parsedate_to_datetime(value).timestamp() - self._clock.now()
            return min(max(0.0, seconds), _LONGEST_SECONDS)
        except (ValueError, TypeError, OverflowError):
            return None
