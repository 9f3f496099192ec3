import sys
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obo_graph.documents.html_text import text_of_html as text_of
from obo_graph.shape.times import read, read_zoned, show
from obo_graph.shape.zones import IANA_BY_WINDOWS, zone_named
from obo_graph.text import clean, comparable, fence, one_line

SMALL = settings(max_examples=100, deadline=None)
FORBIDDEN = [0x200B, 0x200D, 0x200F, 0x202E, 0x2066, 0x2069, 0xFEFF, 0xE0001, 0xE007F, 0xFE0F]


@given(st.text(st.characters() | st.sampled_from([chr(c) for c in FORBIDDEN]), max_size=80))
@SMALL
def test_cleaned_text_can_be_written_and_hides_nothing(text):
    cleaned = clean(text)
    cleaned.encode()
    assert not {chr(c) for c in FORBIDDEN} & set(cleaned)
    assert all(unicodedata.category(c) != "Cc" or c in "\n\t" for c in cleaned)


@given(st.text(st.characters(), max_size=200), st.integers(8, 60))
@SMALL
def test_a_line_is_one_line_within_its_bytes(text, most):
    line = one_line(text, most)
    assert len(line.encode()) <= most
    assert "\n" not in line


@pytest.mark.parametrize("odd", [None, 3, [], {}, b"x"])
def test_what_is_no_text_is_shown_as_nothing(odd):
    assert one_line(odd, 10) == ""


def test_tabs_and_newlines_of_every_kind_survive():
    assert clean("a\tb\r\nc\rd\u2028e") == "a\tb\nc\nd\ne"


def test_a_fence_names_its_mark_at_both_ends():
    assert fence("x", "m") == "<untrusted m>\nx\n</untrusted m>"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>x</div>",
        "<p style='DISPLAY : none'>x</p>",
        "<p style='font-size:0'>x</p>",
        "<p style='color:red;font-size:0.0em;'>x</p>",
        "<p style='visibility:hidden'>x</p>",
        "<p style='opacity:0'>x</p>",
        "<p style='mso-hide:all'>x</p>",
        "<p aria-hidden=TRUE>x</p>",
        "<template>x</template>",
        "<div hidden><div>y</div>x</div>",
        "<div hidden><br><img src=a>x</div>",
        "<!-- x -->",
    ],
)
def test_what_a_reader_does_not_see_is_dropped(hidden):
    assert text_of(f"<p>before</p>{hidden}<p>after</p>") == "before\nafter"


@pytest.mark.parametrize("style", ["font-size:0.9em", "font-size:10px", "opacity:0.5"])
def test_small_or_pale_text_is_kept(style):
    assert text_of(f"<p style='{style}'>x</p>") == "x"


def test_deep_nesting_does_not_exhaust_the_stack():
    assert text_of("<div>" * 20_000 + "x") == "x"


def test_entities_and_cells_become_characters():
    assert text_of("<tr><td>a&amp;b</td><td>&#8364;</td></tr>") == "a&b €"


def test_every_windows_zone_exists():
    assert len(IANA_BY_WINDOWS) == 140
    assert all(zone_named(name) is not None for name in IANA_BY_WINDOWS)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
        ("Central Standard Time (Mexico)", "America/Mexico_City"),
        ("UTC", "Etc/UTC"),
        ("Europe/Paris", "Europe/Paris"),
    ],
)
def test_windows_and_iana_names_are_known(name, zone):
    assert str(zone_named(name)) == zone


@pytest.mark.parametrize("name", ["", "Mars Standard Time", "../../etc/passwd", "/etc", "\x00"])
def test_a_zone_nobody_knows_is_none(name):
    assert zone_named(name) is None


def test_timestamps_with_seven_digits_are_read():
    assert read("2026-11-23T09:00:00.0000000Z") == datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize("odd", [None, "", "soon", 3, {}])
def test_what_is_no_time_is_shown_as_nothing(odd):
    assert show(read(odd), UTC) == ""
    assert show(read_zoned(odd), UTC) == ""


def test_a_time_in_a_zone_nobody_knows_is_not_guessed():
    assert read_zoned({"dateTime": "2026-11-23T09:00:00", "timeZone": "Mars"}) is None


def test_the_offset_follows_the_season():
    zone = ZoneInfo("Europe/Berlin")
    assert show(read("2026-07-01T10:00:00Z"), zone) == "2026-07-01T12:00+02:00"
    assert show(read("2026-12-01T10:00:00Z"), zone) == "2026-12-01T11:00+01:00"


def test_no_character_turns_into_a_hidden_one_by_its_normal_form():
    everything = "".join(chr(c) for c in range(sys.maxunicode + 1))
    assert not {chr(c) for c in FORBIDDEN} & set(clean(everything))
    assert clean(clean(everything)) == clean(everything)


SHOWN_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}


def test_every_format_character_without_a_shape_is_dropped():
    formats = [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Cf"]
    assert {c for c in formats if clean(chr(c))} == SHOWN_FORMATS & set(formats)


@pytest.mark.parametrize("fact", ["1½", "3²", "x₂", "№ 5", "Ⅳ", "\ufb01"])
def test_cleaning_changes_no_fact(fact):
    assert clean(fact) == fact


def test_texts_are_compared_without_width_case_and_hidden_characters():
    assert clean("e\u0301") == "é"
    assert comparable("\uff26ULL\u200b Straße") == comparable("full STRASSE")


@pytest.mark.parametrize(
    "html",
    [
        "<div hidden/>x</div><p>seen",
        "<head><title>x</title><p>seen",
        "<ul><li hidden>x<ul><li>x</ul>x<li>seen</ul>",
        "<p hidden>x<p>seen",
        "<p hidden>x<div>seen</div>",
        "<div><p hidden>x</div>seen",
        "<table><tr><td hidden>x<td>seen</table>",
        "<table><tr hidden><td>x<tr><td>seen</table>",
        "<dl><dt hidden>x<dd>seen</dl>",
        "<select><option hidden>x<option>seen</select>",
        "<svg/>seen",
        "<div hidden></span></p>x</div>seen",
        "<iframe></div>x</iframe>seen",
        "<p><b hidden>x</p>x</b>seen",
        "<div style='display:/* */none'>x</div>seen",
        "<div style='max-height:0;overflow:hidden'>x</div>seen",
        "<div style='height: 0px; overflow-y: hidden'>x</div>seen",
        "<p style='font-size:1px'>x</p>seen",
        "<p style='font-size:.5px'>x</p>seen",
        "<p style='display:none' style=''>x</p>seen",
        "<h1 hidden>x</h2>seen",
    ],
)
def test_what_is_hidden_ends_where_a_browser_ends_it(html):
    assert text_of(html) == "seen"


@pytest.mark.parametrize("style", ["line-height:0;overflow:hidden", "height:0", "font-size:11px"])
def test_styles_that_only_look_like_hiding_are_kept(style):
    assert text_of(f"<p style='{style}'>x</p>") == "x"
