"""How an event comes again: a short sentence here, a patternedRecurrence in Graph.

Source: Graph "recurrencePattern" and "recurrenceRange" resource types.
"""

import re
from datetime import date
from types import MappingProxyType

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import bad_argument
from obo_graph.shape.times import parse_day
from obo_graph.text import one_line
from obo_graph.wire.answer import Json

GRAMMAR = (
    "must read: daily | weekly on mon,wed | monthly on 15 | monthly on last fri | yearly | "
    "every 2 weeks on mon (days, weeks, months, years); then: until 2026-12-31 | 10 times | "
    "nothing, for no end"
)
"""What a model is told of a sentence that is none."""

_SENTENCE = re.compile(
    r"(?:(?P<each>daily|weekly|monthly|yearly)"
    r"|every (?P<interval>[1-9]\d?) (?P<units>days|weeks|months|years))"
    r"(?: on (?P<on>[a-z0-9, ]+?))?"
    r"(?: until (?P<until>\d{4}-\d{2}-\d{2})| (?P<times>[1-9]\d{0,2}) times)?"
)
_UNITS = MappingProxyType(
    {"daily": "days", "weekly": "weeks", "monthly": "months", "yearly": "years"}
)
_EACH = MappingProxyType({units: each for each, units in _UNITS.items()})
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BY_SHORT = MappingProxyType({day[:3]: day for day in _DAYS})
_INDEXES = ("first", "second", "third", "fourth", "last")
_NTH = re.compile(rf"(?P<index>{'|'.join(_INDEXES)}) (?P<day>{'|'.join(_BY_SHORT)})")
_KINDS = MappingProxyType(
    {
        "daily": "days",
        "weekly": "weeks",
        "absoluteMonthly": "months",
        "relativeMonthly": "months",
        "absoluteYearly": "years",
        "relativeYearly": "years",
    }
)
_DAYS_A_WEEK = 7


def parse_recurrence(sentence: str, first: date) -> Json:
    """Graph's recurrence for `sentence`, of which `first` is the first day.

    Raises:
        ToolError: it is none, ends before it begins, or does not fall on `first`.
    """
    found = check_sentence(sentence)
    units = found["units"] or _UNITS[found["each"]]
    pattern = _pattern(units, found["on"] or "", first)
    pattern["interval"] = int(found["interval"] or 1)
    return {"pattern": pattern, "range": _range(found["until"], found["times"], first)}


def check_sentence(sentence: str) -> re.Match[str]:
    """The parts of `sentence`, whatever its first day is going to be.

    Raises:
        ToolError: it has not the form of one; the text holds the grammar.
    """
    found = _SENTENCE.fullmatch(_plain(sentence))
    if found is None:
        raise _wrong()
    return found


def in_words(recurrence: object) -> str:
    """Graph's recurrence as a sentence; "" for none."""
    if not isinstance(recurrence, dict):
        return ""
    pattern, limits = recurrence.get("pattern"), recurrence.get("range")
    kind = str(pattern.get("type")) if isinstance(pattern, dict) else ""
    if not isinstance(pattern, dict) or kind not in _KINDS:
        return "in a way this server has no words for"
    units, interval = _KINDS[kind], one_line(str(pattern.get("interval", 1)), 8)
    often = _EACH[units] if interval == "1" else f"every {interval} {units}"
    days = _days_in_words(kind, pattern)
    end = _end_in_words(limits) if isinstance(limits, dict) else ""
    return " ".join(part for part in (often, f"on {days}" if days else "", end) if part)


def _plain(sentence: str) -> str:
    return re.sub(r" ?, ?", ",", " ".join(sentence.lower().split()))


def _wrong() -> ToolError:
    return bad_argument("recurrence", GRAMMAR)


def _pattern(units: str, on: str, first: date) -> Json:
    if units == "weeks":
        return _weekly(on, first)
    if units == "months":
        return _monthly(on, first)
    if on:
        raise _wrong()
    if units == "days":
        return {"type": "daily"}
    return {"type": "absoluteYearly", "dayOfMonth": first.day, "month": first.month}


def _weekly(on: str, first: date) -> Json:
    names = on.split(",") if on else [_short(first)]
    if not set(names) <= _BY_SHORT.keys():
        raise _wrong()
    if _short(first) not in names:
        raise _not_on(first)
    days = [day for short, day in _BY_SHORT.items() if short in names]
    return {"type": "weekly", "daysOfWeek": days, "firstDayOfWeek": "monday"}


def _monthly(on: str, first: date) -> Json:
    nth = _NTH.fullmatch(on)
    if nth is not None:
        if _short(first) != nth["day"] or not _is_nth(nth["index"], first):
            raise _not_on(first)
        days = [_BY_SHORT[nth["day"]]]
        return {"type": "relativeMonthly", "daysOfWeek": days, "index": nth["index"]}
    if on and on != str(first.day):
        raise _not_on(first) if on.isdecimal() else _wrong()
    return {"type": "absoluteMonthly", "dayOfMonth": first.day}


def _is_nth(index: str, day: date) -> bool:
    if index == "last":
        return (date.fromordinal(day.toordinal() + _DAYS_A_WEEK)).month != day.month
    return (day.day - 1) // _DAYS_A_WEEK == _INDEXES.index(index)


def _not_on(first: date) -> ToolError:
    return bad_argument(
        "recurrence",
        f"does not fall on {first} ({_short(first)}), where the event starts; "
        "let start be the first occurrence",
    )


def _short(day: date) -> str:
    return _DAYS[day.weekday()][:3]


def _range(until: str | None, times: str | None, first: date) -> Json:
    begin = {"startDate": first.isoformat()}
    if times:
        return {"type": "numbered", "numberOfOccurrences": int(times), **begin}
    if not until:
        return {"type": "noEnd", **begin}
    last = parse_day("recurrence", until)
    if last < first:
        raise bad_argument("recurrence", "must not end before the event starts")
    return {"type": "endDate", "endDate": last.isoformat(), **begin}


def _days_in_words(kind: str, pattern: Json) -> str:
    days = pattern.get("daysOfWeek")
    names = ",".join(one_line(day, 16)[:3] for day in days) if isinstance(days, list) else ""
    if kind.startswith("relative"):
        names = f"{one_line(pattern.get('index'), 16)} {names}"
    if kind in {"weekly", "relativeMonthly"}:
        return names
    if kind == "absoluteMonthly":
        return one_line(str(pattern.get("dayOfMonth")), 8)
    month = one_line(str(pattern.get("month")), 8)
    return f"{names} of month {month}" if kind == "relativeYearly" else ""


def _end_in_words(limits: Json) -> str:
    if limits.get("type") == "endDate":
        return f"until {one_line(limits.get('endDate'), 16)}"
    if limits.get("type") == "numbered":
        return f"{one_line(str(limits.get('numberOfOccurrences')), 8)} times"
    return ""
