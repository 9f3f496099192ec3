import re

from hypothesis import given, settings
from hypothesis import strategies as st

from obo_graph.shape.query import kql_property, kql_term, kql_words, odata_text, search_option

ANY = st.text(max_size=60)
NASTY = st.text(alphabet="\"'\\()* :=<>ANDORNOT\n\u201d\uff02\u200b", max_size=40)
SMALL = settings(max_examples=80, deadline=None)


@given(ANY | NASTY)
@SMALL
def test_an_odata_literal_holds_its_quotes_in_pairs(value):
    literal = odata_text(value)
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")
    assert "\n" not in literal


@given(ANY | NASTY)
@SMALL
def test_a_term_is_one_plain_word_or_one_quoted_phrase(value):
    term = kql_term(value)
    assert re.fullmatch(r'(\w[\w.\-@]*|"[^"\\]+"|)', term)
    assert term not in {"AND", "OR", "NOT", "NEAR"}


@given(ANY | NASTY)
@SMALL
def test_free_text_holds_no_property_operator_or_bracket_outside_quotes(value):
    outside = re.sub(r'"[^"\\]+"', "", kql_words(value))
    assert re.fullmatch(r"[\w.\-@ ]*", outside)
    assert not {"AND", "OR", "NOT", "NEAR"} & set(outside.split())


@given(ANY | NASTY)
@SMALL
def test_a_property_takes_exactly_one_term(value):
    assert re.fullmatch(r'(subject:(\w[\w.\-@]*|"[^"\\]+")|)', kql_property("subject", value))


@given(ANY | NASTY)
@SMALL
def test_a_search_option_ends_only_where_it_should(value):
    inside = search_option(kql_words(value))[1:-1]
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")


def test_an_attempt_to_leave_the_quotes_stays_words():
    assert odata_text("x' or isRead eq true or subject eq 'y") == (
        "'x'' or isRead eq true or subject eq ''y'"
    )
    assert kql_words('x" OR from:boss') == 'x "OR" "from:boss"'
    assert kql_property("from", 'a" OR to:b') == 'from:"a OR to:b"'
    assert kql_property("from", "  ") == ""
