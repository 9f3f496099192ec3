"""Trouble on demand: the next answers of the token endpoint, the keys or Graph go wrong.

One certain fault can be set for a place, and beside it any number that strike by chance.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

import anyio
from starlette.responses import Response

from obo_tenant.clock import Clock
from obo_tenant.fault_bodies import FaultBodies, Form

FaultPlace = Literal["token", "keys", "graph"]
SEED = 20261123
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A request, as far as a fault looks at it. `path` is as the log shows it."""

    where: FaultPlace
    oid: str | None = None
    tenant_id: str | None = None
    method: str = ""
    path: str = ""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong, where, for whom (an oid, or None for everybody) and how many times more.

    With a `tenant_id` it strikes that tenant only (Graph is nobody's in particular).

    At Graph it may strike one `method` only, and one `path`: of `/v1.0/me/messages/{message}` as
    the log shows it, whole or its first segments; or a pattern with `*`, which matches anything.

    Without a `body` a status of None or 200 means: answer normally, with `headers` added; unless
    its `form` is another than JSON. With `after` Graph does its work, and only the answer is lost.

    A `probability` below 1 makes it one of chance: the share of the answers that it strikes.
    `name` tells several of those at one place apart.
    """

    where: FaultPlace
    oid: str | None = None
    tenant_id: str | None = None
    method: str | None = None
    path: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    form: Form | None = None
    after: bool = False
    count: int = 1
    delay_seconds: float = 0.0
    probability: float = 1.0
    name: str = ""

    @property
    def place(self) -> tuple[str | None, ...]:
        """What it strikes."""
        return self.where, self.oid, self.tenant_id, self.method, self.path

    @property
    def certain(self) -> bool:
        """Whether nothing is left to chance."""
        return self.probability >= 1

    @property
    def answers(self) -> bool:
        """Whether it puts an answer in the place of ours."""
        return self.body is not None or self.form is not None or self.status not in {None, 200}

    def replaces(self, earlier: "Fault") -> bool:
        """Whether `earlier` ends because this one was set."""
        alike = (self.place, self.certain) == (earlier.place, earlier.certain)
        return alike and (self.certain or self.name == earlier.name)

    def is_for(self, struck: Struck) -> bool:
        """Whether it may strike that request."""
        return (
            self.where == struck.where
            and self.oid in {None, struck.oid}
            and self.tenant_id in {None, struck.tenant_id}
            and self.method in {None, struck.method}
            and (self.path is None or _leads_to(self.path, struck.path))
            and self.count > 0
        )

    @property
    def rank(self) -> tuple[bool, ...]:
        """How particular it is."""
        return tuple(
            each is not None for each in (self.path, self.method, self.oid, self.tenant_id)
        )


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a fault does to one request: an answer instead of ours, or headers added to ours.

    With `after` the request is to be served first, and its answer thrown away `late_seconds` later.
    """

    response: Response | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    late_seconds: float = 0.0


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
        self,
        where: FaultPlace,
        oid: str | None,
        tenant_id: str | None = None,
        *,
        method: str = "",
        path: str = "",
    ) -> Disturbance:
        """Use up what strikes a request of that person at that tenant, after its delay."""
        request = Struck(where=where, oid=oid, tenant_id=tenant_id, method=method, path=path)
        certain = self._take(request)
        chance = None
        if certain is None or not certain.answers:
            chance = self._draw(request)
        struck = [fault for fault in (certain, chance) if fault is not None]
        delay = sum(fault.delay_seconds for fault in struck)
        answering = next((fault for fault in struck if fault.answers), None)
        late = delay if answering is not None and answering.after else 0.0
        if delay > late:
            await anyio.sleep(delay)
        headers = {name: value for each in struck for name, value in each.headers.items()}
        if answering is None:
            return Disturbance(headers=headers)
        return Disturbance(self._response(answering, headers), headers, answering.after, late)

    def _response(self, fault: Fault, headers: Mapping[str, str]) -> Response:
        status = fault.status or 200
        if fault.form is not None:
            return self._bodies.formed(fault.form, status, headers)
        return self._bodies.response(
            self._bodies.body(fault.where, status, fault.body), status, headers
        )

    def _list(self, fault: Fault) -> list[Fault]:
        return self._certain if fault.certain else self._chances

    def _take(self, request: Struck) -> Fault | None:
        found = [fault for fault in self._certain if fault.is_for(request)]
        return self._used(max(found, key=lambda each: each.rank)) if found else None

    def _draw(self, request: Struck) -> Fault | None:
        found = [fault for fault in self._chances if fault.is_for(request)]
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


def _leads_to(wanted: str, path: str) -> bool:
    if "*" in wanted:
        return fnmatchcase(path, wanted.replace("[", "[[]").replace("?", "[?]"))
    return path == wanted or path.startswith(f"{wanted.rstrip('/')}/")
