"""Everybody's belongings, made when first asked for and kept.

The people of the tenant keep theirs; those of synthetic people (load tests) are small, and the
least recently used ones are dropped and made anew, the same again, when asked for.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from obo_tenant.graph.calendar import Calendar
from obo_tenant.graph.drive import Drive
from obo_tenant.graph.mailbox import Mailbox, Settings
from obo_tenant.graph.planner import PlannerTasks
from obo_tenant.graph.todo import TodoLists
from obo_tenant.people import HOME, NEIGHBOUR, synthetic_person


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Somebody in the directory."""

    oid: str
    key: str
    name: str
    address: str
    job_title: str
    department: str
    office: str
    time_zone: str
    company: str = HOME.company
    phones: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """All that one person has."""

    profile: Profile
    settings: Settings
    mailbox: Mailbox
    calendars: tuple[Calendar, ...]
    drive: Drive
    todo: TodoLists
    planner: PlannerTasks


_DEPARTMENTS = {
    "adele": "Retail",
    "megan": "Finance",
    "alex": "Marketing",
    "lynne": "Operations",
    "diego": "Human Resources",
    "imran": "Finance",
}

REGISTERED: dict[str, Profile] = {
    person.oid.casefold(): Profile(
        oid=person.oid,
        key=person.key,
        name=person.name,
        address=person.user_principal_name,
        job_title=person.job_title,
        department=_DEPARTMENTS.get(person.key, "Operations"),
        office=person.office,
        time_zone=person.time_zone,
        company=organization.company,
        phones=(f"+1 425 555 01{number:02d}",),
    )
    for organization in (HOME, NEIGHBOUR)
    for number, person in enumerate(organization.people, start=9)
}


def find_profile(name: str, company: str) -> Profile | None:
    """That company's registered person with this object id or user principal name, or None."""
    wanted = name.casefold()
    colleagues = (each for each in REGISTERED.values() if each.company == company)
    return next(
        (each for each in colleagues if wanted in {each.oid, each.address.casefold()}), None
    )


def profile_of(oid: str) -> Profile:
    """The registered person, or the synthetic one that belongs to an unknown object id."""
    known = REGISTERED.get(oid.casefold())
    if known is not None:
        return known
    person = synthetic_person(oid)
    return Profile(
        oid=oid,
        key=person.key,
        name=person.name,
        address=person.user_principal_name,
        job_title=person.job_title,
        department="Operations",
        office=person.office,
        time_zone=person.time_zone,
        synthetic=True,
    )


def oid_at(address: str) -> str | None:
    """The object id of the registered person of either company with this address, or None."""
    found = (each.oid for each in REGISTERED.values() if each.address == address.casefold())
    return next(found, None)


class Store:
    """The belongings of each person by object id; `make` creates what is not there yet."""

    def __init__(self, make: Callable[[Profile], Belongings], *, synthetic_limit: int) -> None:
        self._make = make
        self._limit = synthetic_limit
        self._registered: dict[str, Belongings] = {}
        self._synthetic: OrderedDict[str, Belongings] = OrderedDict()

    def has(self, oid: str) -> bool:
        """Whether the belongings of this person of the tenant have been made already."""
        return oid.casefold() in self._registered

    def of(self, oid: str) -> Belongings:
        """What the person with this object id has; never anything of anybody else."""
        key = oid.casefold()
        if key in REGISTERED:
            if key not in self._registered:
                self._registered[key] = self._make(REGISTERED[key])
            return self._registered[key]
        if key not in self._synthetic:
            self._synthetic[key] = self._make(profile_of(oid))
            if len(self._synthetic) > self._limit:
                self._synthetic.popitem(last=False)
        self._synthetic.move_to_end(key)
        return self._synthetic[key]
