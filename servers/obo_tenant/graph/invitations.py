"""What reaches the calendars of others: invitations, changes, cancellations and answers.

Only people of the same organization have a calendar here; nobody else is told anything.
Source: Graph "event" pages (create, update, cancel, accept, decline).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from obo_tenant.graph.calendar import Attendee, Event
from obo_tenant.graph.ids import change_key, outlook_ids
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.series import occurrences
from obo_tenant.graph.store import Belongings, Store, find_profile

Proposed = tuple[datetime, datetime] | None


class Invitations:
    """Carries events between the default calendars of colleagues."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self.now = now

    def colleague(self, owner: Belongings, address: str) -> Belongings | None:
        """The belongings of a colleague of `owner` or of `owner`; None for everybody else."""
        if address.casefold() == owner.profile.address.casefold():
            return owner
        found = find_profile(address, owner.profile.company)
        return self._store.of(found.oid) if found else None

    def named(self, owner: Belongings, guests: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
        """The same people; colleagues under the name that the directory has."""
        found = [find_profile(each.person.address, owner.profile.company) for each in guests]
        return tuple(
            replace(each, person=Address(known.name, known.address)) if known else each
            for each, known in zip(guests, found, strict=True)
        )

    def changed(self, event: Event, oid: str, **fields: Any) -> Event:
        """`event` with new fields and a new version."""
        key = change_key(oid, event.change_key)
        return replace(event, change_key=key, modified=self.now(), **fields)

    def deliver(self, owner: Belongings, event: Event) -> None:
        """Bring the organizer's event to all attendees; those who have it get what changed."""
        for other in self._guests(owner, event.attendees):
            calendar = other.calendars[0]
            known = calendar.same(event)
            answer = "notResponded"
            if known is not None and (known.start, known.end) == (event.start, event.end):
                answer = known.response
            copy = self._copy(event, other, known, answer)
            if known is not None:
                calendar.remove(*calendar.family(known))
            calendar.put(copy)
            if copy.kind == "seriesMaster":
                calendar.put(*occurrences(copy, other.profile.oid))

    def withdraw(self, owner: Belongings, event: Event, guests: Iterable[Attendee]) -> None:
        """Mark the event as cancelled in the calendars of these people."""
        for other in self._guests(owner, guests):
            calendar = other.calendars[0]
            known = calendar.same(event)
            family = calendar.family(known) if known else []
            calendar.put(*(self._withdrawn(each, other.profile.oid) for each in family))

    def reply(self, owner: Belongings, event: Event, response: str, proposed: Proposed) -> None:
        """Tell the organizer what `owner` has answered."""
        organizer = self.colleague(owner, event.organizer.address)
        theirs = organizer.calendars[0].same(event) if organizer else None
        if organizer is None or theirs is None:
            return
        answered = {"response": response, "answered": self.now(), "proposed": proposed}
        mine = owner.profile.address
        organizer.calendars[0].put(
            *(
                self.changed(each, organizer.profile.oid, attendees=_told(each, mine, answered))
                for each in organizer.calendars[0].family(theirs)
            )
        )

    def _withdrawn(self, event: Event, oid: str) -> Event:
        subject = f"Canceled: {event.subject}"
        return self.changed(event, oid, cancelled=True, subject=subject, show_as="free")

    def _guests(self, owner: Belongings, guests: Iterable[Attendee]) -> Iterable[Belongings]:
        for attendee in guests:
            other = self.colleague(owner, attendee.person.address)
            if other is not None and other is not owner:
                yield other

    def _copy(self, event: Event, other: Belongings, known: Event | None, answer: str) -> Event:
        oid = other.profile.oid
        version = known.change_key if known else f"event {event.key}"
        unanswered = answer == "notResponded"
        series = event.key.rpartition(" ")[0]
        return replace(
            event,
            ids=outlook_ids(oid, "event", event.key),
            change_key=change_key(oid, version),
            master=outlook_ids(oid, "event", series) if event.master else None,
            mine=False,
            response=answer,
            answered=None if unanswered or known is None else known.answered,
            show_as="tentative" if unanswered and event.show_as == "busy" else event.show_as,
            transaction_id=None,
            reminder_minutes=known.reminder_minutes if known else 15,
            categories=known.categories if known else (),
        )


def _told(event: Event, address: str, answered: dict[str, Any]) -> tuple[Attendee, ...]:
    wanted = address.casefold()
    return tuple(
        replace(each, **answered) if each.person.address.casefold() == wanted else each
        for each in event.attendees
    )
