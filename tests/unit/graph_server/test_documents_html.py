import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obo_graph.documents.html_text import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Read <a href='https://a.example/b?c=1&amp;d'>this</a> now", None),
        ("<a href='https://a.example/'>https://a.example</a>", "https://a.example"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        ("<a href='mailto:a@b.example'>us</a>", "us (a@b.example)"),
        ("<a href='javascript:x()'>z</a>", "z"),
        ("<a href='https://a.example/x'><img src=y></a>z", "z"),
        ("<a hidden href='https://a.example/x'>q</a>z", "z"),
    ],
)
def test_the_target_of_a_link_is_shown_as_text(html, text):
    assert text_of_html(html) == (text or "Read this (https://a.example/b?c=1&d) now")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a ="x>shown">y', 'shown">y'),
        ('<p a=b"c>d', "d"),
        ("<p/hidden>x<p>seen", "seen"),
        ("<p title='>'hidden>x<p>seen", "seen"),
        ("<p style=display:none>x<p>seen", "seen"),
        ("<p STYLE\n=\n'display:none'>x<p>seen", "seen"),
        ("<p style='display&#58;none'>x<p>seen", "seen"),
        ("<p a='>' b=\">\">seen", "seen"),
        ("<p hidden=x", ""),
        ("seen<p hidden='x>y", "seen"),
        ("a < b &lt;p&gt; c<", "a < b <p> c<"),
        ("<!-->a<!--->b<!-- x --!>c<!-- > x", "abc"),
        ("a</>b</ x>c<?php x ?>d<!x>e", "abcde"),
        ("<script>'</p>' x</script >seen", "seen"),
        ("<style>x</styles>x</style>seen", "seen"),
        ("<textarea><p>&amp;</textarea>", "<p>&"),
        ("<noembed>x</noembed><video>x</video>seen", "seen"),
        ("<plaintext>a</plaintext>", "a</plaintext>"),
    ],
)
def test_tags_begin_and_end_where_a_browser_has_them(html, text):
    assert text_of_html(html) == text


HOSTILE = ["<!--", "<a ", "<a b='", "</", "<![", "<p>", "<b hidden><p>", "<li>", "&a", "<x y=z "]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", HOSTILE)
def test_nonsense_costs_no_more_than_its_length(unit):
    text_of_html(unit * (200_000 // len(unit)))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "html",
    [
        "<p style='height:0" + " " * 200_000 + "x'>",
        "<p style='font-size:" + "0" * 200_000 + "x'>",
        "<p style='" + "/*" * 100_000 + "'>",
        "<a " + "b=c " * 50_000 + ">",
        "<script>" + "</scrip" * 30_000,
        "<a href='https://a.example'>" + "x</a>" * 40_000,
        "<b hidden>" * 10_000 + "<p>x" * 25_000,
        "<b a=1>" * 10_000 + "<p>x" * 25_000,
    ],
    ids=lambda html: html[:12],
)
def test_one_long_piece_costs_no_more_than_its_length(html):
    text_of_html(html)


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_nesting_may_be_as_deep_as_it_likes(depth):
    assert text_of_html("<div>" * depth + "x") == "x"


@given(
    st.lists(st.sampled_from([*HOSTILE, ">", "x", "'", '"', "</p>", " hidden", "/>", "=", "\0"]))
)
@settings(max_examples=300, deadline=None)
def test_any_nonsense_has_a_text(parts):
    assert isinstance(text_of_html("".join(parts)), str)
