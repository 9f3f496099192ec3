"""Who must not be asked about just now, and for how long.

What the authority says about a person holds back that person; what it says about the tenant or
about itself holds back everybody of that tenant. Nobody waits here: a call that would come too
early fails at once, with the seconds that are left.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from cachetools import TLRUCache

from obo_mcp.clock import Clock
from obo_mcp.errors import (
    AssertionRejected,
    OboError,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
    Unavailable,
)
from obo_mcp.exchange.aadsts import TENANT_THROTTLED, known
from obo_mcp.exchange.cause import Cause, HeldBack, cause_of
from obo_mcp.inbound.principal import Principal

FAILURES_TO_OPEN = 5
SECONDS_TO_OPEN = 0.25
"""So many failures in a row, for so long with no other answer, open the circuit of a tenant.

A refused client credential counts as one: it fails for everybody, until its operator mends it. On
a busy server five failures in a row may be chance; a quarter of a second of nothing else is not.
"""
PROBE_SECONDS = 5.0
"""While it is open, one exchange in this time goes through, to see."""
FIRST_BACK_OFF_SECONDS = 5.0
LONGEST_BACK_OFF_SECONDS = 60.0
"""How long a throttled person is held back where no Retry-After says it: doubled each time."""
REFUSAL_SECONDS = 60.0
"""An assertion that the authority does not take is not shown to it again for this long."""
_MOST_HELD_BACK = 100_000


@dataclass(frozen=True, slots=True)
class _Pause:
    """Somebody is held back until then (monotonic seconds), after so many throttled answers."""

    until: float
    error: OboError
    times: int = 1


@dataclass(slots=True)
class _Circuit:
    """What the last exchanges of a tenant came to; open while there is an `error`.

    Until `until` nothing passes, and then one probe; before `asked_until` no success closes it,
    because the authority itself named that time.
    """

    failures: int = 0
    failing_since: float = 0.0
    until: float = 0.0
    asked_until: float = float("-inf")
    error: OboError | None = None


class Breaker:
    """Lets exchanges through, or refuses them at once because of what earlier ones came to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._people: TLRUCache[tuple[str, str], _Pause] = _remembered(clock)
        self._assertions: TLRUCache[bytes, _Pause] = _remembered(clock)

    def held_back(self, principal: Principal) -> OboError | None:
        """What an exchange for this person would be refused with now; None if it may pass."""
        now = self._clock.monotonic()
        held = (
            self._assertions.get(principal.token_digest),
            self._people.get((principal.tid, principal.oid)),
            self._circuits.get(principal.tid),
        )
        for each in held:
            if each is not None and each.error is not None and each.until > now:
                return _again(each.error, each.until - now)
        return None

    def check(self, principal: Principal) -> None:
        """Whether an exchange for this person could pass now; it is not counted as one.

        Raises:
            AssertionRejected: the authority refused this very assertion within the last minute.
            ClientMisconfigured: it refuses our application, and it is not time for a probe.
            Unavailable: the person's Retry-After is not over, the tenant's is not, or the token
                endpoint fails and it is not time for a probe.
        """
        refused = self.held_back(principal)
        if refused is not None:
            raise refused from refused.__cause__

    def admit(self, principal: Principal) -> None:
        """Let one exchange for this person pass; while the circuit is open, it is the probe.

        Raises:
            OboError: as `check`.
        """
        self.check(principal)
        circuit = self._circuits.get(principal.tid)
        if circuit is not None and circuit.error is not None:
            circuit.until = self._clock.monotonic() + PROBE_SECONDS

    def succeeded(self, principal: Principal) -> None:
        """An exchange for this person was answered with a token."""
        self._answered(principal.tid)
        person = principal.tid, principal.oid
        pause = self._people.get(person)
        if pause is not None and pause.until <= self._clock.monotonic():
            del self._people[person]

    def failed(self, principal: Principal, error: OboError, *, since: float | None = None) -> None:
        """An exchange for this person failed with `error`; learn from it.

        `since` is when it began (monotonic seconds); now, if that is left out.
        """
        cause = cause_of(error)
        if isinstance(error, TokenEndpointThrottled) and TENANT_THROTTLED in cause.codes:
            self._open(principal.tid, error)
            return
        if isinstance(error, TokenEndpointUnavailable) or _concerns_all(cause):
            self._count(principal.tid, error, since)
        else:
            self._answered(principal.tid)
        if isinstance(error, TokenEndpointThrottled) or cause.asked_seconds is not None:
            self._hold_back(principal, error)
        elif isinstance(error, AssertionRejected) and known(cause.codes):
            until = self._clock.monotonic() + REFUSAL_SECONDS
            self._assertions[principal.token_digest] = _Pause(until, _bare(error))

    def _answered(self, tenant_id: str) -> None:
        circuit = self._circuits.get(tenant_id)
        if circuit is not None and circuit.asked_until <= self._clock.monotonic():
            del self._circuits[tenant_id]

    def _hold_back(self, principal: Principal, error: OboError) -> None:
        person, now = (principal.tid, principal.oid), self._clock.monotonic()
        earlier = self._people.get(person)
        times = earlier.times + 1 if earlier else 1
        seconds = cause_of(error).asked_seconds
        if seconds is None:
            growing = FIRST_BACK_OFF_SECONDS * 2 ** min(times - 1, 8)
            seconds = min(growing, LONGEST_BACK_OFF_SECONDS)
            error.retry_after_seconds = ceil(seconds)
        until = max(now + seconds, earlier.until if earlier else 0.0)
        self._people[person] = _Pause(until, _bare(error), times)

    def _count(self, tenant_id: str, error: OboError, since: float | None) -> None:
        now = self._clock.monotonic()
        began = _Circuit(failing_since=now if since is None else since)
        circuit = self._circuits.setdefault(tenant_id, began)
        circuit.failures += 1
        lasts = now - circuit.failing_since >= SECONDS_TO_OPEN
        if circuit.error is not None or (lasts and circuit.failures >= FAILURES_TO_OPEN):
            self._open(tenant_id, error)

    def _open(self, tenant_id: str, error: OboError) -> None:
        circuit = self._circuits.setdefault(tenant_id, _Circuit())
        now, asked = self._clock.monotonic(), cause_of(error).asked_seconds
        if asked is not None:
            circuit.asked_until = max(circuit.asked_until, now + asked)
        circuit.until = max(now + PROBE_SECONDS, circuit.asked_until)
        circuit.error = _bare(error)


def _remembered(clock: Clock) -> "TLRUCache[Any, _Pause]":
    """Pauses; each is remembered for a while after its end, so that the next can be longer."""
    return TLRUCache(
        _MOST_HELD_BACK,
        ttu=lambda _key, pause, _now: pause.until + LONGEST_BACK_OFF_SECONDS,
        timer=clock.monotonic,
    )


def _concerns_all(cause: Cause) -> bool:
    """Whether the authority refused our application, whoever the person was."""
    meaning = known(cause.codes)
    return meaning is not None and meaning.concerns_all


def _bare(error: OboError) -> OboError:
    """`error` without the frames it came through: they hold the assertion and our credential."""
    bare = type(error)(str(error), claims=error.claims)
    bare.__cause__ = error.__cause__
    return bare


def _again(error: OboError, seconds: float) -> OboError:
    """`error` for one more caller, who hears when to come back; nothing was asked for it."""
    cause = cause_of(error)
    pause = max(1, ceil(seconds)) if isinstance(error, Unavailable) else None
    again = type(error)(str(error), retry_after_seconds=pause, claims=error.claims)
    again.__cause__ = HeldBack(f"held back after {cause}", codes=cause.codes, cure=cause.cure)
    return again
