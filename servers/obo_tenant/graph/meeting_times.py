"""`POST /me/findMeetingTimes`: slots in which enough of the people are free.

Source: Graph "user: findMeetingTimes" page; how confidence is made up is described there: the
average of what each attendee adds, free 100 %, unknown 49 %, busy 0 %.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.availability import Timeline, at_work
from obo_tenant.graph.calendar import Attendee
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.event_body import attendees
from obo_tenant.graph.given import (
    as_flag,
    as_instant,
    as_list,
    as_number,
    as_object,
    as_text,
    lowered,
    one_of,
    read_object,
)
from obo_tenant.graph.invitations import Invitations
from obo_tenant.graph.store import Belongings
from obo_tenant.graph.visit import Operation, Visit, json_response, operations
from obo_tenant.graph.zones import date_time_time_zone

_DURATION = re.compile(
    r"P(?:(\d{1,2})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:0S)?)?", re.IGNORECASE
)
_STEP = timedelta(minutes=30)
_LONGEST = timedelta(days=62)
_MOST_LOOKED_AT = 4000
_WEIGHT = {"free": 100.0, "workingElsewhere": 100.0, "unknown": 49.0}
_DOMAINS = ("work", "personal", "unrestricted", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    guests: tuple[Attendee, ...]
    slots: tuple[tuple[datetime, datetime], ...]
    domain: str
    duration: timedelta
    most: int
    least: float
    organizer_optional: bool
    reasons: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: datetime
    organizer: str
    guests: tuple[str, ...]

    @property
    def confidence(self) -> float:
        """Per cent."""
        weights = [_WEIGHT.get(each, 0.0) for each in self.guests]
        return round(sum(weights) / len(weights), 1) if weights else 100.0


@dataclass(frozen=True, slots=True)
class MeetingTimeRoutes:
    """The endpoint; the calendars are those of the caller's organization."""

    invitations: Invitations

    def operations(self) -> tuple[Operation, ...]:
        """The path, for those who may read calendars shared with them."""
        return operations(
            "calendar",
            "Calendars.Read.Shared Calendars.ReadWrite.Shared",
            ("findMeetingTimes", self.answer),
            method="POST",
        )

    def answer(self, visit: Visit) -> Response:
        """The best slots, or why there are none."""
        wish = self._wish(visit)
        found = list(islice(self._candidates(visit, wish), _MOST_LOOKED_AT))
        good = [each for each in found if each.confidence >= wish.least and _fits(each, wish)]
        good.sort(key=lambda each: (-each.confidence, each.start))
        body = {
            "@odata.context": visit.context("microsoft.graph.meetingTimeSuggestionsResult"),
            "emptySuggestionsReason": "" if good else _why_empty(found, wish),
            "meetingTimeSuggestions": [
                _suggestion(visit, wish, each) for each in good[: wish.most]
            ],
        }
        return json_response(body)

    def _wish(self, visit: Visit) -> _Wish:
        given = lowered(read_object(visit.body))
        constraint = lowered(as_object(given.get("timeconstraint") or {}))
        now = self.invitations.now()
        pairs = as_list(constraint.get("timeslots") or [], longest=50)
        return _Wish(
            guests=attendees(given.get("attendees") or [], longest=100),
            slots=tuple(map(_slot, pairs)) or ((now, now + timedelta(days=7)),),
            domain=one_of(constraint.get("activitydomain") or "work", _DOMAINS),
            duration=_duration(as_text(given.get("meetingduration")) or "PT30M"),
            most=as_number(given.get("maxcandidates") or 20, 1, 1000),
            least=_percentage(given.get("minimumattendeepercentage")),
            organizer_optional=as_flag(given.get("isorganizeroptional") or False),
            reasons=as_flag(given.get("returnsuggestionreasons") or False),
        )

    def _candidates(self, visit: Visit, wish: _Wish) -> Iterator[_Candidate]:
        people = [
            self.invitations.colleague(visit.owner, each.person.address) for each in wish.guests
        ]
        for first, last in wish.slots:
            mine = Timeline(visit.owner, first, last)
            theirs = [Timeline(each, first, last) if each else None for each in people]
            start = first
            while start + wish.duration <= last:
                end = start + wish.duration
                if _allowed(visit.owner, wish, start, end):
                    known = tuple(_availability(each, start, end) for each in theirs)
                    yield _Candidate(start, mine.worst(start, end), known)
                start += _STEP


def _availability(found: Timeline | None, start: datetime, end: datetime) -> str:
    return "unknown" if found is None else found.worst(start, end)


def _allowed(owner: Belongings, wish: _Wish, start: datetime, end: datetime) -> bool:
    return wish.domain not in ("work", "unknown") or at_work(owner, start, end)


def _fits(candidate: _Candidate, wish: _Wish) -> bool:
    return wish.organizer_optional or candidate.organizer in ("free", "workingElsewhere")


def _why_empty(found: list[_Candidate], wish: _Wish) -> str:
    if not found:
        return "unknown"
    if not any(_fits(each, wish) for each in found):
        return "organizerUnavailable"
    unknown = any("unknown" in each.guests for each in found)
    return "attendeesUnavailableOrUnknown" if unknown else "attendeesUnavailable"


def _suggestion(visit: Visit, wish: _Wish, found: _Candidate) -> dict[str, Any]:
    zone = visit.prefer.time_zone
    reason = "Suggested because it is one of the nearest times when all attendees are available."
    return {
        "confidence": found.confidence,
        "organizerAvailability": found.organizer,
        "suggestionReason": reason if wish.reasons and found.confidence == 100 else "",
        "meetingTimeSlot": {
            "start": date_time_time_zone(found.start, zone),
            "end": date_time_time_zone(found.start + wish.duration, zone),
        },
        "attendeeAvailability": [
            {
                "availability": status,
                "attendee": {
                    "type": guest.kind,
                    "emailAddress": {"address": guest.person.address},
                },
            }
            for guest, status in zip(wish.guests, found.guests, strict=True)
        ],
        "locations": [],
    }


def _slot(value: object) -> tuple[datetime, datetime]:
    given: Mapping[str, Any] = as_object(value)
    start, end = as_instant(given.get("start")), as_instant(given.get("end"))
    if end <= start or end - start > _LONGEST:
        raise GraphError(
            400, "ErrorInvalidParameter", "The time slot must end after its start, in 62 days."
        )
    return start, end


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    days, hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not length:
        raise GraphError(
            400, "RequestBodyRead", f"Cannot convert the literal '{text}' to 'Edm.Duration'."
        )
    return length


def _percentage(value: object) -> float:
    if value is None:
        return 50.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise GraphError(
            400, "RequestBodyRead", "Cannot convert a literal of the request to 'Edm.Double'."
        )
    return float(value)
