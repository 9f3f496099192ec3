"""Events are written: made, changed, deleted, cancelled, answered.

Sources: Graph "user: create event", "event: update", "delete", "cancel", "accept",
"tentativelyAccept", "decline" pages.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from obo_tenant.graph.calendar import Attendee, Calendar, Event
from obo_tenant.graph.calendar_routes import find_calendar, find_event, shown_event
from obo_tenant.graph.conditional import created, refuse_stale
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.event_body import Changes, event_changes, settled
from obo_tenant.graph.given import (
    as_flag,
    as_instant,
    as_object,
    as_text,
    invalid_property,
    lowered,
    read_object,
)
from obo_tenant.graph.ids import change_key, guid, outlook_ids
from obo_tenant.graph.invitations import Invitations
from obo_tenant.graph.mailbox import Address, Body
from obo_tenant.graph.online import joined, with_link, without_link
from obo_tenant.graph.series import occurrences
from obo_tenant.graph.visit import Operation, Visit, operations

_UID = "040000008200E00074C5B7101A82E008"
_CANNOT = "Your request can't be completed. "


@dataclass(frozen=True, slots=True)
class EventRoutes:
    """The endpoints that write to calendars."""

    invitations: Invitations

    def operations(self) -> tuple[Operation, ...]:
        """All of them; they need the same scope."""
        posts = {"cancel": self.cancel, **{name: self._answerer(name) for name in _ANSWERS}}
        places = ("events", "calendar/events", "calendars/{calendar}/events")
        one = [f"{place}/{{event}}" for place in places]
        return tuple(
            operation
            for method, listed in (
                ("POST", [(place, self.create) for place in places]),
                (
                    "POST",
                    [(f"{at}/{name}", answer) for at in one for name, answer in posts.items()],
                ),
                ("PATCH", [(at, self.update) for at in one]),
                ("DELETE", [(at, self.delete) for at in one]),
            )
            for operation in operations("calendar", "Calendars.ReadWrite", *listed, method=method)
        )

    def create(self, visit: Visit) -> Response:
        """Make an event; the same transactionId again gives the event that it made."""
        calendar = find_calendar(visit)
        changes = self._changes(visit)
        known = calendar.transaction(changes.get("transaction_id") or "")
        if known is None:
            known = self._new(visit, changes)
            calendar.put(known)
            self._spread(visit, calendar, known)
        return created(
            visit.mine("events/$entity"), shown_event(visit, known), etag=known.change_key
        )

    def update(self, visit: Visit) -> Response:
        """Change an event; attendees and body are replaced as a whole."""
        calendar, event = find_event(visit)
        refuse_stale(visit, event.change_key)
        changes = self._changes(visit)
        changed = self._changed(visit, event, changes)
        calendar.remove(*calendar.family(event))
        calendar.put(changed)
        if event.mine:
            kept = {each.person.address.casefold() for each in changed.attendees}
            gone = [e for e in event.attendees if e.person.address.casefold() not in kept]
            self.invitations.withdraw(visit.owner, event, gone)
        self._spread(visit, calendar, changed)
        return visit.one(visit.mine("events/$entity"), shown_event(visit, changed))

    def delete(self, visit: Visit) -> Response:
        """Take an event out; if it is the caller's own meeting, out of all calendars."""
        calendar, event = find_event(visit)
        refuse_stale(visit, event.change_key)
        calendar.remove(*calendar.family(event))
        if event.mine:
            self.invitations.withdraw(visit.owner, event, event.attendees)
        return Response(status_code=204)

    def cancel(self, visit: Visit) -> Response:
        """Cancel the caller's own meeting. Refused 400 to everybody else."""
        calendar, event = find_event(visit)
        as_text(lowered(read_object(visit.body)).get("comment"))
        if not event.mine:
            raise _refused("You need to be an organizer to cancel a meeting.")
        calendar.remove(*calendar.family(event))
        self.invitations.withdraw(visit.owner, event, event.attendees)
        return Response(status_code=202)

    def _answerer(self, name: str) -> Callable[[Visit], Response]:
        return lambda visit: self._answer(visit, _ANSWERS[name])

    def _answer(self, visit: Visit, answer: str) -> Response:
        calendar, event = find_event(visit)
        given = lowered(read_object(visit.body))
        tell, proposed = _reply_options(given, answer)
        _refuse_reply(event, tell=tell, proposing=proposed is not None)
        if tell:
            self.invitations.reply(visit.owner, event, answer, proposed)
        if answer == "declined":
            calendar.remove(*calendar.family(event))
            return Response(status_code=202)
        shown = "busy" if answer == "accepted" else "tentative"
        now, oid = self.invitations.now(), visit.owner.profile.oid
        fields = {"response": answer, "answered": now, "show_as": shown}
        family = calendar.family(event)
        calendar.put(*(self.invitations.changed(each, oid, **fields) for each in family))
        return Response(status_code=202)

    def _changes(self, visit: Visit) -> Changes:
        changes = event_changes(read_object(visit.body))
        if "attendees" in changes:
            changes["attendees"] = self.invitations.named(visit.owner, changes["attendees"])
        return changes

    def _new(self, visit: Visit, changes: Changes) -> Event:
        profile, key = visit.owner.profile, uuid4().hex
        if not {"start", "end"} <= changes.keys():
            raise invalid_property()
        blank = Event(
            key=key,
            ids=outlook_ids(profile.oid, "event", key),
            change_key=change_key(profile.oid, f"event {key}"),
            uid=_UID + guid(profile.oid, f"uid {key}").replace("-", "").upper(),
            subject="",
            body=Body(""),
            created=self.invitations.now(),
            start=changes["start"],
            end=changes["end"],
            zone=changes["zone"],
            organizer=Address(profile.name, profile.address),
            mine=True,
            response="organizer",
        )
        return _applied(blank, changes, profile.oid)

    def _changed(self, visit: Visit, event: Event, changes: Changes) -> Event:
        changes.pop("transaction_id", None)
        if "attendees" in changes:
            changes["attendees"] = _with_answers(changes["attendees"], event.attendees)
        if event.kind in ("occurrence", "exception"):
            changes = {"kind": "exception", **changes, "recurrence": None}
        changed = _applied(event, changes, visit.owner.profile.oid)
        if event.mine and (changed.start, changed.end) != (event.start, event.end):
            again = (replace(each, response="none", answered=None) for each in changed.attendees)
            changed = replace(changed, attendees=tuple(again))
        return self.invitations.changed(changed, visit.owner.profile.oid)

    def _spread(self, visit: Visit, calendar: Calendar, event: Event) -> None:
        if event.kind == "seriesMaster":
            calendar.put(*occurrences(event, visit.owner.profile.oid))
        if event.mine:
            self.invitations.deliver(visit.owner, event)


_ANSWERS = {
    "accept": "accepted",
    "tentativelyAccept": "tentativelyAccepted",
    "decline": "declined",
}


def _applied(event: Event, changes: Changes, oid: str) -> Event:
    fields = dict(changes)
    online = fields.pop("online", event.meeting_url is not None)
    changed = settled(replace(event, **fields))
    if "recurrence" in changes and event.master is None:
        changed = replace(changed, kind="seriesMaster" if changed.recurrence else "singleInstance")
    if not online:
        return without_link(changed)
    if event.meeting_url is not None and not joined(changed):
        return replace(changed, meeting_url=None)
    return with_link(changed, oid)


def _with_answers(
    wanted: tuple[Attendee, ...], before: tuple[Attendee, ...]
) -> tuple[Attendee, ...]:
    known = {each.person.address.casefold(): each for each in before}
    result = []
    for each in wanted:
        old = known.get(each.person.address.casefold())
        result.append(replace(old, person=each.person, kind=each.kind) if old else each)
    return tuple(result)


def _reply_options(
    given: dict[str, Any], answer: str
) -> tuple[bool, tuple[datetime, datetime] | None]:
    tell = as_flag(given.get("sendresponse", True))
    if as_text(given.get("comment")) and not tell:
        raise _wrong("'SendResponse' must be true when 'Comment' is not null")
    span = given.get("proposednewtime")
    if span is None:
        return tell, None
    if answer == "accepted" or not tell:
        raise _wrong("'ProposedNewTime' is not allowed with these parameters.")
    slot = as_object(span)
    start, end = as_instant(slot.get("start")), as_instant(slot.get("end"))
    if end <= start:
        raise _wrong("'ProposedNewTime' must end after its start.")
    return tell, (start, end)


def _refuse_reply(event: Event, *, tell: bool, proposing: bool) -> None:
    if event.mine:
        raise _refused("You can't respond to this meeting because you're the meeting organizer.")
    if event.cancelled:
        raise _refused("You can't respond to this meeting because it has been canceled.")
    if tell and not event.response_requested:
        raise _refused("The meeting organizer hasn't requested a response.")
    if proposing and not event.new_times:
        raise _refused("The meeting organizer hasn't allowed new time proposals.")


def _refused(reason: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", _CANNOT + reason)


def _wrong(reason: str) -> GraphError:
    return GraphError(400, "ErrorInvalidParameter", reason)
