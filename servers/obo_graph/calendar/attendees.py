"""The people of an event: as Graph's attendees, and merged with those that are there."""

from collections.abc import Sequence
from dataclasses import dataclass

from obo_graph.settings import GraphSettings
from obo_graph.shape.addresses import Person, check_people, people_of
from obo_graph.shape.paging import objects
from obo_graph.wire.answer import Json


def invited(required: Sequence[Person], optional: Sequence[Person]) -> list[Json]:
    """Attendees in Graph's form; who is named in both lists is required."""
    needed = {person.address.lower() for person in required}
    others = [person for person in optional if person.address.lower() not in needed]
    return [
        *(_attendee(person, "required") for person in required),
        *(_attendee(person, "optional") for person in others),
    ]


@dataclass(frozen=True, slots=True)
class Merged:
    """The whole list to send, for Graph replaces it, and who is new in it, gone or unknown."""

    attendees: list[Json]
    added: list[Person]
    removed: int
    missing: int


def merge(present: object, add: Sequence[Person], remove: Sequence[Person]) -> Merged:
    """The attendees in `present`, without those to `remove` and with those to `add`."""
    leaving = {person.address.lower() for person in remove}
    there = objects(present)
    staying = [_kept(one) for one in there if not _addresses([one]) & leaving]
    known = _addresses(staying)
    added = [person for person in add if person.address.lower() not in known]
    found = _addresses(there) & leaving
    return Merged(
        [*staying, *(_attendee(person, "required") for person in added)],
        added,
        len(there) - len(staying),
        len(leaving - found),
    )


def check_informed(people: object, settings: GraphSettings) -> None:
    """See that everybody in `people`, whom Graph is going to tell, may be told.

    Their number does not count: they were invited before.

    Raises:
        ToolError: `recipients_refused`: somebody is outside `settings.recipient_domains`.
    """
    for person in people_of(people):
        check_people([person], settings, "")


def _addresses(attendees: list[Json]) -> set[str]:
    return {person.address.lower() for person in people_of(attendees)}


def _attendee(person: Person, kind: str) -> Json:
    return person.recipient() | {"type": kind}


def _kept(attendee: Json) -> Json:
    names = ("emailAddress", "type", "status", "proposedNewTime")
    return {name: attendee[name] for name in names if attendee.get(name) is not None}
