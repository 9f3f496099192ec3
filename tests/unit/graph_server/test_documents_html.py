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


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "d\\69splay:none",
        "display:no\\6e e",
        "dis\\play:none",
        "visibility:collapse",
        "visibility:hidden",
        "font:0/0 a",
        "font: bold 0px Arial",
        "font-size:0",
        "left:-9999px",
        "position:absolute;top: -10000em",
        "text-indent:-9999px",
        "color:transparent",
        "color: rgba(255, 255, 255, 0)",
        "opacity:0",
        "opacity:.001",
        "opacity: 0%",
        "width:0;overflow:hidden",
        "max-width:0px;overflow-x:hidden",
        "height:0;overflow:hidden",
    ],
)
def test_a_style_that_hides_text_drops_it(style):
    assert text_of_html(f"<p style='{style}'>x<p>seen") == "seen"
    assert text_of_html(f"<style>.h {{{style}}}</style><p class='a H'>x<p>seen") == "seen"


@pytest.mark.parametrize(
    "style",
    [
        "font:12px/0 a",
        "font:1.0em Arial",
        "left:-3px",
        "margin-left:-36pt",
        "background-color:transparent",
        "color:rgba(0, 0, 0, 0.5)",
        "opacity:0.9",
        "opacity:.5",
        "opacity:",
        "min-width:0;overflow:hidden",
        "border-width:0;overflow:hidden",
        "line-height:0;overflow:hidden",
        "width:0.5em;overflow:hidden",
        "font-size:.8em",
    ],
)
def test_a_style_that_does_not_hide_text_keeps_it(style):
    assert text_of_html(f"<p style='{style}'>seen") == "seen"
    assert text_of_html(f"<style>.h {{{style}}}</style><p class=h>seen") == "seen"


@pytest.mark.parametrize(
    ("sheet", "text"),
    [
        (".h{display:none}", ""),
        (".a, P.H , .b{display:none}", ""),
        ("<!-- .x{color:red} .h{display:none} -->", ""),
        ("@media x{.a{color:red}} .h{display:none}", ""),
        ("/* } */.h{display:none}", ""),
        ("td.h{display:none}", "x"),
        (".a .h{display:none}", "x"),
        (".h:before{display:none}", "x"),
        ("@media (max-width:600px){.a{color:red}.h{display:none}}", "x"),
        ("@media print{.h{display:none}}", "x"),
        (".h{color:red", "x"),
        ("}}.h{{", "x"),
    ],
)
def test_a_style_sheet_hides_by_plain_rules_for_classes(sheet, text):
    assert text_of_html(f"<style>{sheet}</style><p class=h>x") == text
    assert text_of_html(f"<p class=h>x<STYLE>{sheet}</STYLE>") == text
    assert text_of_html(f"<style media=print>{sheet}</style><p class=h>x") == "x"


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
        "<style>" + "{" * 200_000,
        "<style>" + ".a{display:none}" * 12_000 + "</style><p class=a>x",
        "<style>" + "}" * 200_000,
        "<style>" + "." * 200_000 + "{display:none}</style>",
        "<p style='" + "font:" * 40_000 + "'>",
        "<p style='" + "color:rgba(" * 20_000 + "'>",
        "<p style='" + "left:-" + "9" * 200_000 + "'>",
        "<p style='" + "width:" * 30_000 + "'>",
        "<p style='" + "\\" * 200_000 + "'>",
        "<p style='opacity:" + "0" * 200_000 + "x'>",
        "<style>.a{display:none}</style>" + "<p class='" + "b " * 100_000 + "'>x",
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
