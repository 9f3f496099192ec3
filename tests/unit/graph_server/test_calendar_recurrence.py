import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.calendar.recurrence import GRAMMAR, in_words, parse_recurrence

TUESDAY = date(2026, 12, 1)


def pattern(sentence, first=TUESDAY):
    return parse_recurrence(sentence, first)["pattern"]


def limits(sentence, first=TUESDAY):
    return parse_recurrence(sentence, first)["range"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("daily", {"type": "daily", "interval": 1}),
        ("every 3 days", {"type": "daily", "interval": 3}),
        (
            "weekly on Mon, tue ,wed",
            {
                "type": "weekly",
                "interval": 1,
                "daysOfWeek": ["monday", "tuesday", "wednesday"],
                "firstDayOfWeek": "monday",
            },
        ),
        (
            "every 2 weeks",
            {
                "type": "weekly",
                "interval": 2,
                "daysOfWeek": ["tuesday"],
                "firstDayOfWeek": "monday",
            },
        ),
        ("monthly", {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 1}),
        ("monthly on 1", {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 1}),
        (
            "every 6 months on first tue",
            {"type": "relativeMonthly", "interval": 6, "daysOfWeek": ["tuesday"], "index": "first"},
        ),
        ("yearly", {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 1, "month": 12}),
    ],
)
def test_a_sentence_becomes_graphs_pattern(sentence, expected):
    assert pattern(sentence) == expected


def test_a_series_ends_by_date_by_number_or_never():
    assert limits("daily") == {"type": "noEnd", "startDate": "2026-12-01"}
    assert limits("monthly on 1 10 times") == {
        "type": "numbered",
        "numberOfOccurrences": 10,
        "startDate": "2026-12-01",
    }
    assert limits("weekly on tue until 2026-12-31") == {
        "type": "endDate",
        "endDate": "2026-12-31",
        "startDate": "2026-12-01",
    }


def test_the_last_weekday_of_a_month_is_known_from_the_fourth():
    assert pattern("monthly on last tue", date(2026, 12, 29))["index"] == "last"
    assert pattern("monthly on fourth tue", date(2026, 12, 22))["index"] == "fourth"
    assert pattern("monthly on last tue", date(2027, 2, 23))["index"] == "last"
    with pytest.raises(ToolError, match="does not fall on"):
        pattern("monthly on last tue", date(2026, 12, 22))


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "weekly on",
        "weekly on monday",
        "weekly on mon,,tue",
        "every 0 days",
        "every 1 day",
        "every 100 days",
        "daily on mon",
        "daily 0 times",
        "daily 1000 times",
        "daily until tomorrow",
        "daily 3 times until 2026-12-31",
        "monthly on fifth mon",
        "monthly on tue",
        "yearly on 12-01",
        "FREQ=DAILY;COUNT=3",
        "daily; weekly",
    ],
)
def test_a_sentence_that_is_none_is_refused_with_the_grammar(sentence):
    with pytest.raises(ToolError) as refusal:
        parse_recurrence(sentence, TUESDAY)
    assert GRAMMAR in json.loads(str(refusal.value))["hint"]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("weekly on mon", "let start be the first occurrence"),
        ("monthly on 15", "let start be the first occurrence"),
        ("monthly on second tue", "let start be the first occurrence"),
        ("daily until 2026-11-30", "must not end before"),
        ("daily until 2026-02-30", "must be"),
        ("daily until 2999-01-01", "2100"),
    ],
)
def test_a_series_that_does_not_fit_its_start_is_refused(sentence, words):
    with pytest.raises(ToolError, match=words):
        parse_recurrence(sentence, TUESDAY)


DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 1))
SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@st.composite
def series(draw):
    first = draw(DAYS)
    interval = draw(st.integers(1, 99))
    units = draw(st.sampled_from(["days", "weeks", "months", "years"]))
    on = ""
    if units == "weeks":
        others = draw(st.sets(st.sampled_from(SHORT)))
        named = [day for day in SHORT if day in others | {SHORT[first.weekday()]}]
        on = f" on {','.join(named)}"
    if units == "months":
        on = f" on {first.day}"
    each = {"days": "daily", "weeks": "weekly", "months": "monthly", "years": "yearly"}[units]
    often = each if interval == 1 else f"every {interval} {units}"
    last = first + timedelta(days=draw(st.integers(0, 300)))
    times = draw(st.integers(1, 999))
    end = draw(st.sampled_from(["", f" until {last}", f" {times} times"]))
    return first, f"{often}{on}{end}"


@given(series())
def test_a_series_in_words_is_the_sentence_that_made_it(made):
    first, sentence = made
    assert in_words(parse_recurrence(sentence, first)) == sentence


@given(st.text(max_size=60), DAYS)
def test_any_text_is_either_a_series_or_refused(text, first):
    try:
        made = parse_recurrence(text, first)
    except ToolError:
        return
    assert made["range"]["startDate"] == first.isoformat()


@pytest.mark.parametrize(
    "odd", [{}, {"pattern": None}, {"pattern": {"type": "lunar"}}, {"pattern": {"type": []}}]
)
def test_a_series_of_another_kind_is_said_to_be_one(odd):
    assert in_words(odd) == "in a way this server has no words for"
    assert in_words(None) == ""


def test_odd_numbers_in_a_series_do_no_harm():
    odd = {"type": "absoluteMonthly", "interval": [9], "dayOfMonth": {}}
    assert in_words({"pattern": odd, "range": 7}) == "every [9] months on {}"


def test_a_yearly_weekday_is_shown():
    yearly = {"type": "relativeYearly", "month": 5, "daysOfWeek": ["monday"], "index": "first"}
    shown = in_words({"pattern": yearly, "range": {"type": "noEnd"}})
    assert shown == "yearly on first mon of month 5"
