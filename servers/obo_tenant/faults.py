"""Trouble on demand: the next answers of the token endpoint, the keys or Graph go wrong.

One certain fault can be set for a place, and beside it any number that strike by chance.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio
from starlette.responses import Response

from obo_tenant.clock import Clock
from obo_tenant.fault_bodies import FaultBodies

FaultPlace = Literal["token", "keys", "graph"]
SEED = 20261123
_ROUNDING = 1e-9


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong, where, for whom (an oid, or None for everybody) and how many times more.

    With a `tenant_id` it strikes that tenant only (Graph is nobody's in particular).

    Without a `body` a status of None or 200 means: answer normally, with `headers` added.

    A `probability` below 1 makes it one of chance: the share of the answers that it strikes.
    `name` tells several of those at one place apart.
    """

    where: FaultPlace
    oid: str | None = None
    tenant_id: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    count: int = 1
    delay_seconds: float = 0.0
    probability: float = 1.0
    name: str = ""

    @property
    def place(self) -> tuple[FaultPlace, str | None, str | None]:
        """What it strikes."""
        return self.where, self.oid, self.tenant_id

    @property
    def certain(self) -> bool:
        """Whether nothing is left to chance."""
        return self.probability >= 1

    @property
    def answers(self) -> bool:
        """Whether it puts an answer in the place of ours."""
        return self.body is not None or self.status not in {None, 200}

    def replaces(self, earlier: "Fault") -> bool:
        """Whether `earlier` ends because this one was set."""
        alike = (self.place, self.certain) == (earlier.place, earlier.certain)
        return alike and (self.certain or self.name == earlier.name)

    def is_for(self, where: FaultPlace, oid: str | None, tenant_id: str | None) -> bool:
        """Whether it may strike a request of that person at that tenant."""
        return (
            self.where == where
            and self.oid in {None, oid}
            and self.tenant_id in {None, tenant_id}
            and self.count > 0
        )

    @property
    def rank(self) -> tuple[bool, bool]:
        """How particular it is."""
        return self.oid is not None, self.tenant_id is not None


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a fault does to one request: an answer instead of ours, or headers added to ours."""

    response: Response | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Faults:
    """The faults that are set. Of the certain ones the most particular strikes first.

    A request that it leaves without an answer is then exposed to the faults of chance: one number
    is drawn for it, and each of them owns a part of the line from 0 to 1 as wide as its
    probability, so that at most one strikes and each its own share.
    """

    def __init__(self, clock: Clock) -> None:
        self._bodies = FaultBodies(clock)
        self._certain: list[Fault] = []
        self._chances: list[Fault] = []
        self._die = random.Random(SEED)

    def add(self, fault: Fault) -> None:
        """Set a fault. A certain one replaces the earlier one for its place, one of chance that of
        its place and name.

        Raises:
            ValueError: the probabilities at this place would add up to more than 1.
        """
        kept = [old for old in self._list(fault) if not fault.replaces(old)]
        shares = [old.probability for old in kept if old.place == fault.place]
        if not fault.certain and sum(shares) + fault.probability > 1 + _ROUNDING:
            raise ValueError("the probabilities at this place add up to more than 1")
        self._list(fault)[:] = [*kept, fault]

    def seed(self, number: int) -> None:
        """Begin the drawing of numbers anew: the same requests in a row meet the same faults."""
        self._die.seed(number)

    def clear(self) -> None:
        """No more trouble, and the drawing begins anew."""
        self._certain, self._chances = [], []
        self.seed(SEED)

    async def strike(
        self, where: FaultPlace, oid: str | None, tenant_id: str | None = None
    ) -> Disturbance:
        """Use up what strikes a request of that person at that tenant, after its delay."""
        certain = self._take(where, oid, tenant_id)
        chance = None
        if certain is None or not certain.answers:
            chance = self._draw(where, oid, tenant_id)
        struck = [fault for fault in (certain, chance) if fault is not None]
        delay = sum(fault.delay_seconds for fault in struck)
        if delay:
            await anyio.sleep(delay)
        headers = {name: value for each in struck for name, value in each.headers.items()}
        answering = next((fault for fault in struck if fault.answers), None)
        if answering is None:
            return Disturbance(headers=headers)
        body = self._bodies.body(where, answering.status or 200, answering.body)
        return Disturbance(self._bodies.response(body, answering.status or 200, headers), headers)

    def _list(self, fault: Fault) -> list[Fault]:
        return self._certain if fault.certain else self._chances

    def _take(self, where: FaultPlace, oid: str | None, tenant_id: str | None) -> Fault | None:
        found = [fault for fault in self._certain if fault.is_for(where, oid, tenant_id)]
        return self._used(max(found, key=lambda each: each.rank)) if found else None

    def _draw(self, where: FaultPlace, oid: str | None, tenant_id: str | None) -> Fault | None:
        found = [fault for fault in self._chances if fault.is_for(where, oid, tenant_id)]
        if not found:
            return None
        drawn = self._die.random()
        for fault in sorted(found, key=lambda each: each.rank, reverse=True):
            drawn -= fault.probability
            if drawn < 0:
                return self._used(fault)
        return None

    def _used(self, fault: Fault) -> Fault:
        fault.count -= 1
        if fault.count == 0:
            self._list(fault).remove(fault)
        return fault
