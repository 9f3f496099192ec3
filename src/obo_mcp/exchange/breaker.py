"""Who must not be asked about just now, and for how long.

What the authority says about a person holds back that person, what it says about the tenant or
our application everybody of that tenant, and that it does not work everybody. Nobody waits here: a
call that would come too early fails at once, with the seconds that are left.
"""

from dataclasses import dataclass, field
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
PEOPLE_TO_OPEN = 2
SECONDS_TO_OPEN = 0.25
"""So many failures in a row, of so many people, for so long with no other answer, open a circuit.

One person's failures may be about that person: they are held back alone. On a busy server five
failures in a row may be chance; a quarter of a second of nothing else is not. A refused client
credential needs no second person: it fails for everybody, until its operator mends it.
"""
PROBE_SECONDS = 5.0
"""While it is open, one exchange in this time goes through, to see."""
TIMES_TO_WAIT = 3
"""A person whose exchanges fail so often in a row waits as long as for a probe: one call may have
failed twice by itself, with its second try."""
FIRST_BACK_OFF_SECONDS = 5.0
LONGEST_BACK_OFF_SECONDS = 60.0
"""How long a throttled person is held back where no Retry-After says it: doubled each time."""
REFUSAL_SECONDS = 60.0
"""An assertion that the authority does not take is not shown to it again for this long."""
_MOST_HELD_BACK = 100_000
_AUTHORITY = ""  # the name of the circuit that everybody shares; the others are tenant ids


@dataclass(frozen=True, slots=True)
class _Pause:
    """Somebody is held back until then (monotonic seconds), after so many throttled answers."""

    until: float
    error: OboError
    times: int = 1


@dataclass(slots=True)
class _Circuit:
    """What the last exchanges came to; open while there is an `error`.

    Until `until` nothing passes, and then one probe; before `asked_until` no success closes it,
    because the authority itself named that time.
    """

    failing_since: float
    failures: int = 0
    people: set[tuple[str, str]] = field(default_factory=set)
    until: float = 0.0
    asked_until: float = float("-inf")
    error: OboError | None = None


class Breaker:
    """Lets exchanges through, or refuses them at once because of what earlier ones came to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._people: TLRUCache[tuple[str, str], _Pause] = _remembered(clock)
        self._unlucky: TLRUCache[tuple[str, str], _Pause] = _remembered(clock)
        self._assertions: TLRUCache[bytes, _Pause] = _remembered(clock)

    def held_back(self, principal: Principal) -> OboError | None:
        """What an exchange for this person would be refused with now; None if it may pass."""
        now, person = self._clock.monotonic(), (principal.tid, principal.oid)
        held = (
            self._assertions.get(principal.token_digest),
            self._people.get(person),
            self._unlucky.get(person),
            *self._circuits_of(principal.tid),
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
        for circuit in self._circuits_of(principal.tid):
            if circuit.error is not None:
                circuit.until = self._clock.monotonic() + PROBE_SECONDS

    def succeeded(self, principal: Principal) -> None:
        """An exchange for this person was answered with a token."""
        self._answered(principal.tid)
        self._answered(_AUTHORITY)
        person, now = (principal.tid, principal.oid), self._clock.monotonic()
        for pauses in (self._people, self._unlucky):
            pause = pauses.get(person)
            if pause is not None and pause.until <= now:
                del pauses[person]

    def failed(self, principal: Principal, error: OboError, *, since: float | None = None) -> None:
        """An exchange for this person failed with `error`; learn from it.

        `since` is when it began (monotonic seconds); now, if that is left out.
        """
        cause = cause_of(error)
        began = self._clock.monotonic() if since is None else since
        if isinstance(error, TokenEndpointThrottled) and TENANT_THROTTLED in cause.codes:
            self._open(self._circuits.setdefault(principal.tid, _Circuit(began)), error)
            return
        if isinstance(error, TokenEndpointUnavailable):
            self._count(_AUTHORITY, principal, error, began)
            self._note_bad_luck(principal, error)
        elif _concerns_all(cause):
            self._count(principal.tid, principal, error, began)
        else:
            self._answered(principal.tid)
            self._answered(_AUTHORITY)
        if isinstance(error, TokenEndpointThrottled) or cause.asked_seconds is not None:
            self._hold_back(principal, error)
        elif isinstance(error, AssertionRejected) and known(cause.codes):
            until = self._clock.monotonic() + REFUSAL_SECONDS
            self._assertions[principal.token_digest] = _Pause(until, _bare(error))

    def _circuits_of(self, tenant_id: str) -> list[_Circuit]:
        found = (self._circuits.get(name) for name in (_AUTHORITY, tenant_id))
        return [circuit for circuit in found if circuit is not None]

    def _answered(self, name: str) -> None:
        circuit = self._circuits.get(name)
        if circuit is not None and circuit.asked_until <= self._clock.monotonic():
            del self._circuits[name]

    def _note_bad_luck(self, principal: Principal, error: OboError) -> None:
        """Who goes on failing waits; who failed as the probe leaves the next to others."""
        person, now = (principal.tid, principal.oid), self._clock.monotonic()
        earlier = self._unlucky.get(person)
        times = earlier.times + 1 if earlier else 1
        authority = self._circuits.get(_AUTHORITY)
        seconds = PROBE_SECONDS if times >= TIMES_TO_WAIT else 0.0
        if authority is not None and authority.error is not None:
            seconds = 2 * PROBE_SECONDS
        self._unlucky[person] = _Pause(now + seconds, _bare(error), times)

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

    def _count(self, name: str, principal: Principal, error: OboError, began: float) -> None:
        circuit = self._circuits.setdefault(name, _Circuit(began))
        circuit.failures += 1
        if len(circuit.people) < PEOPLE_TO_OPEN:
            circuit.people.add((principal.tid, principal.oid))
        many = name != _AUTHORITY or len(circuit.people) >= PEOPLE_TO_OPEN
        lasts = self._clock.monotonic() - circuit.failing_since >= SECONDS_TO_OPEN
        enough = lasts and many and circuit.failures >= FAILURES_TO_OPEN
        if circuit.error is not None or enough:
            self._open(circuit, error)

    def _open(self, circuit: _Circuit, error: OboError) -> None:
        now, asked = self._clock.monotonic(), cause_of(error).asked_seconds
        if asked is not None:
            circuit.asked_until = max(circuit.asked_until, now + asked)
        circuit.until = max(now + PROBE_SECONDS, circuit.asked_until)
        circuit.error = _bare(error, claims="")


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
    return cause.concerns_all or (meaning is not None and meaning.concerns_all)


def _bare(error: OboError, *, claims: str | None = None) -> OboError:
    """`error` without the frames it came through: they hold the assertion and our credential.

    What is kept for a circuit is told to others: it goes without the claims.
    """
    bare = type(error)(str(error), claims=error.claims if claims is None else claims)
    bare.__cause__ = error.__cause__
    return bare


def _again(error: OboError, seconds: float) -> OboError:
    """`error` for one more caller, who hears when to come back; nothing was asked for it."""
    cause = cause_of(error)
    pause = max(1, ceil(seconds)) if isinstance(error, Unavailable) else None
    again = type(error)(str(error), retry_after_seconds=pause, claims=error.claims)
    again.__cause__ = HeldBack(f"held back after {cause}", codes=cause.codes, cure=cause.cure)
    return again
