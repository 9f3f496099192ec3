from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.shape.times import parse, parse_local, read_zoned, to_graph
from obo_graph.shape.zones import IANA_BY_WINDOWS, windows_name, zone_named

OBSOLETE = ("Mid-Atlantic Standard Time", "Etc/GMT+2")
NAMED = sorted({*IANA_BY_WINDOWS.values(), "Europe/Vienna", "Asia/Manila", "Antarctica/Troll"})


@pytest.mark.parametrize(
    ("windows", "iana"),
    sorted(set(IANA_BY_WINDOWS.items()) - {OBSOLETE}),
)
def test_every_windows_name_comes_back(windows, iana):
    assert windows_name(iana) == windows


@pytest.mark.parametrize(
    ("zone", "windows"),
    [
        ("Europe/Vienna", "W. Europe Standard Time"),
        ("Europe/Lisbon", "GMT Standard Time"),
        ("America/Toronto", "Eastern Standard Time"),
        ("Asia/Calcutta", "India Standard Time"),
        ("US/Pacific", "Pacific Standard Time"),
        ("UTC", "UTC"),
        ("Antarctica/Troll", ""),
        ("Mars/Base", ""),
        ("UTC-03:30", ""),
    ],
)
def test_a_zone_beside_the_table_has_the_name_of_one_with_the_same_time(zone, windows):
    assert windows_name(zone) == windows


@pytest.mark.parametrize("zone", ["Europe/Tiraspol", "America/Havana", "Asia/Gaza", "Africa/Accra"])
def test_a_borrowed_name_shows_the_same_time_in_every_hour_of_two_years(zone):
    borrowed = zone_named(windows_name(zone))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=number) for number in range(24 * 730)]
    own = ZoneInfo(zone)
    assert all(h.astimezone(own).utcoffset() == h.astimezone(borrowed).utcoffset() for h in hours)


@given(
    st.integers(946_684_800, 3_786_912_000),  # the years 2000 to 2089
    st.sampled_from(NAMED),
)
def test_a_moment_that_is_sent_is_read_back_as_the_same_moment(seconds, name):
    moment = datetime.fromtimestamp(seconds, UTC)
    sent = to_graph(moment, ZoneInfo(name))
    assert read_zoned(sent) == moment
    assert sent["timeZone"] in IANA_BY_WINDOWS


@pytest.mark.parametrize(
    "written",
    [
        "20261124",
        "2026-W48-2",
        "2026W482",
        "2026-11-24T09",
        "2026-11-24T0900",
        "2026-11-24x09:00",
        "2026-11-24T09:00+0100",
        "2026-11-24T24:00",
        "2026-11-24\n",
        "\u0662026-11-24",
    ],
)
def test_a_time_of_another_form_is_refused(written):
    for read_it in (parse, parse_local):
        with pytest.raises(ToolError, match="YYYY-MM-DD"):
            read_it("end", written, UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-24", "2026-11-24T23:00Z"),
        ("2026-11-24T09:00", "2026-11-24T08:00Z"),
        ("2026-11-24 09:00:30", "2026-11-24T08:00:30Z"),
        ("2026-11-24t09:00:00.1234567z", "2026-11-24T09:00:00.123456Z"),
        ("2026-11-24T09:00-05:30", "2026-11-24T14:30Z"),
    ],
)
def test_a_time_of_the_documented_form_is_read(written, moment):
    berlin = ZoneInfo("Europe/Berlin")
    found = parse("end", written, berlin, end_of_day=True)
    assert found == datetime.fromisoformat(moment)


def test_of_a_time_that_clocks_show_twice_windows_gets_no_local_form():
    berlin = ZoneInfo("Europe/Berlin")
    for minutes, zone in ((-1, "W. Europe Standard Time"), (0, "UTC"), (119, "UTC")):
        moment = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=minutes)
        assert to_graph(moment, berlin)["timeZone"] == zone
