from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from obo_graph.calendar.schedule import Busy, common, merged, without

ZERO = datetime(2026, 11, 23, tzinfo=UTC)
RANKS = ["free", "workingElsewhere", "tentative", "unknown", "busy", "oof"]
LAST = 60


def moment(minute):
    return ZERO + timedelta(minutes=minute)


def spans():
    return st.tuples(st.integers(0, LAST), st.integers(0, LAST))


def stretches():
    return st.lists(
        st.builds(
            lambda span, status: Busy(moment(span[0]), moment(span[1]), status),
            spans(),
            st.sampled_from(RANKS),
        ),
        max_size=12,
    )


def status_at(found, at):
    covering = [RANKS.index(one.status) for one in found if one.start <= at < one.end]
    return max(covering, default=0)


@given(stretches())
def test_merging_changes_no_minute_and_leaves_no_overlap(busy):
    found = merged(busy)
    for minute in range(LAST):
        assert status_at(found, moment(minute)) == status_at(busy, moment(minute))
    for one, following in pairwise(found):
        assert one.start < one.end <= following.start
        assert one.end < following.start or one.status != following.status


@given(stretches())
def test_merging_twice_is_merging_once(busy):
    assert merged(merged(busy)) == merged(busy)


def covers(found, at):
    return any(start <= at < end for start, end in found)


@given(st.lists(spans(), max_size=5), stretches())
def test_what_is_left_is_what_nothing_blocks(wanted, busy):
    # Apart from each other, as working hours are.
    free = [
        (moment(100 * number + min(span)), moment(100 * number + max(span)))
        for number, span in enumerate(wanted)
    ]
    left = without(free, busy)
    blocked = merged(busy)
    for minute in range(100 * len(wanted)):
        at = moment(minute)
        expected = covers(free, at) and status_at(blocked, at) < RANKS.index("tentative")
        assert covers(left, at) == expected


@given(st.lists(spans(), max_size=5), st.lists(spans(), max_size=5))
def test_what_is_common_lies_in_both(one, two):
    first, second = ([(moment(min(s)), moment(max(s))) for s in some] for some in (one, two))
    found = common(first, second)
    for minute in range(LAST):
        at = moment(minute)
        assert covers(found, at) == (covers(first, at) and covers(second, at))
