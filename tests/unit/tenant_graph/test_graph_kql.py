"""KQL on its own, over a thing that is easy to see through."""

from datetime import UTC, datetime

import pytest

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.odata.kql import Vocabulary, padded_words, parse_kql, unquote_search

VOCABULARY = Vocabulary(
    words={"from": "from", "subject": "subject"},
    flags={"isread": "isread"},
    moments={"received": "received"},
)


class Letter:
    """From Adele, about tea sets, of 10 November at noon, read."""

    def words(self, name):
        texts = {"from": "Adele Vance adele@contoso.example", "subject": "Re: 12 tea sets"}
        return padded_words(" | ".join(texts.values()) if name == "" else texts[name])

    def flag(self, name):
        return {"isread": "true"}[name]

    def moment(self, name):
        return {"received": datetime(2026, 11, 10, 12, tzinfo=UTC)}[name]


@pytest.mark.parametrize(
    "text",
    [
        "tea",
        "TEA adele",
        '"tea sets"',
        "te*",
        "subject:tea",
        "subject=tea",
        'subject:"tea sets"',
        "from:adele@contoso.example",
        "from:contoso",
        "from:(megan OR adele)",
        "subject:(tea AND sets)",
        "isread:yes",
        "isread:true",
        "NOT megan",
        "NOT NOT tea",
        "megan OR tea",
        "megan AND coffee OR tea",
        "(megan OR tea) AND adele",
        "received:2026-11-10",
        "received=2026-11-10T12:00:00Z",
        "received>=2026-11-10",
        "received<=2026-11-10",
        "received>2026-11-09",
        "received<2026-11-11",
        "received:2026-11-01..2026-11-10",
        "wardrobe:tea OR tea",
        "Re: tea",
    ],
)
def test_letter_is_found(text):
    assert parse_kql(text, VOCABULARY).matches(Letter())


@pytest.mark.parametrize(
    "text",
    [
        "te",
        '"sets tea"',
        "tea megan",
        "NOT tea",
        "tea NOT adele",
        "subject:adele",
        "from:tea",
        "from:(tea OR sets)",
        "isread:no",
        "received:2026-11-11",
        "received>2026-11-10",
        "received<2026-11-10",
        "received>=2026-11-11",
        "received<=2026-11-09",
        "received:2026-11-01..2026-11-09",
        "wardrobe:tea",
        "...",
    ],
)
def test_letter_is_not_found(text):
    assert not parse_kql(text, VOCABULARY).matches(Letter())


@pytest.mark.parametrize(
    "text",
    ["", "  ", "(", ")", "(tea", "tea)", "AND tea", "tea OR", "NOT", '"tea', "from:(tea",
     "received:soon", "received:2026-11-01..soon", "(" * 5000 + "tea" + ")" * 5000,
     "from:(" * 5000 + "tea"],
)  # fmt: skip
def test_nonsense_is_refused(text):
    with pytest.raises(GraphError) as refusal:
        parse_kql(text, VOCABULARY)
    assert (refusal.value.status, refusal.value.code) == (400, "BadRequest")


def test_words_to_highlight_are_the_plain_ones():
    assert parse_kql('tea from:adele "big sets" te*', VOCABULARY).terms == ("tea", "big sets", "te")


def test_search_value_loses_its_quotes_and_backslashes():
    assert unquote_search(r'"subject:\"tea sets\" a\\b"') == r'subject:"tea sets" a\b'


@pytest.mark.parametrize("value", ["tea", '"', '"tea', 'tea"', '"a"b"', r'"a\\"b"'])
def test_search_value_without_proper_quotes_is_refused(value):
    with pytest.raises(GraphError):
        unquote_search(value)


@pytest.mark.parametrize("text", ["x" * 4097, "x " * 501, '"a" ' * 501, "()" * 3000])
def test_a_query_that_is_too_long_is_refused_before_it_is_read(text):
    with pytest.raises(GraphError, match="too long"):
        parse_kql(text, VOCABULARY)


def test_a_query_of_the_largest_size_is_answered():
    assert parse_kql("tea " * 499 + "adele   ", VOCABULARY).matches(Letter())
