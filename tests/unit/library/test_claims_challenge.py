"""Claims challenges of a resource, and claims requests to the token endpoint."""

import base64
import json
import time

import pytest
from hypothesis import example
from hypothesis import strategies as st

from fuzz.effort import tried
from obo_mcp.exchange.claims import ANSWERS_CHALLENGES, challenged, merged

NBF = {"access_token": {"nbf": {"essential": True, "value": "1702682181"}}}
NBF_TEXT = '{"access_token":{"nbf":{"essential":true,"value":"1702682181"}}}'


def encoded(claims) -> str:
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return base64.b64encode(text.encode()).decode()


def header(claims=NBF, error="insufficient_claims") -> str:
    return (
        'Bearer realm="", authorization_uri="https://login.example/common/oauth2/authorize", '
        f'client_id="00000003", error="{error}", claims="{encoded(claims)}"'
    )


def test_the_challenge_of_entras_own_page_is_read():
    """Entra, "How to use Continuous Access Evaluation enabled APIs", the example's claims."""
    assert challenged(
        'HTTP 401; Unauthorized Bearer authorization_uri="https://login.windows.net/common/oauth2/'
        'authorize", error="insufficient_claims", '
        'claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1'
        'MSJ9fX0="'
    ) == ('{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}')


@pytest.mark.parametrize(
    "text",
    [
        header(),
        header().replace(", ", ","),
        header().replace("=", " = ", 1),
        header().replace("error", "Error").replace("claims=", "CLAIMS="),
        header().replace('"insufficient_claims"', "insufficient_claims"),
    ],
    ids=["as Graph sends it", "no blanks", "blanks", "capitals", "a token, unquoted"],
)
def test_a_challenge_is_read_however_it_is_written(text):
    assert challenged(text) == NBF_TEXT


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_missing_or_spare_padding_makes_no_difference(padding):
    clear = encoded(NBF).rstrip("=")
    assert challenged(f'Bearer error="insufficient_claims", claims="{clear}{padding}"') == NBF_TEXT


def test_the_url_safe_alphabet_is_read_too():
    claims = {"access_token": {"x": {"value": "?>~~??>>"}}}
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    assert set(text) & set("-_")
    assert json.loads(challenged(f'Bearer error="insufficient_claims", claims="{text}"')) == claims


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bearer",
        'Bearer error="invalid_token"',
        header(error="invalid_token"),
        'Bearer error="insufficient_claims"',
        'Bearer error="insufficient_claims", claims=""',
        'Bearer error="insufficient_claims", claims="%%%"',
        'Bearer error="insufficient_claims", claims="Ärger"',
        'Bearer error="insufficient_claims", claims="a"',
        'Bearer error="insufficient_claims", claims="/w=="',
        f'Bearer realm="error=\\"insufficient_claims\\"", claims="{encoded(NBF)}"',
        header("[1]"),
        header('"text"'),
        header("{}"),
        header("null"),
        header('{"cut":'),
        header("1" * 5000),
        header("[" * 5000),
    ],
)
def test_anything_else_is_no_challenge(text):
    assert challenged(text) == ""


def test_a_header_of_more_than_16_kib_is_not_read():
    blanks = " " * (16_384 - len(header()))
    assert challenged(header() + blanks) == NBF_TEXT
    assert challenged(header() + blanks + " ") == ""


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_no_depth_of_nesting_makes_a_header_raise(opening):
    closing = {"[": "]"}.get(opening, "}")
    for depth in [*range(1, 2000, 97), *range(900, 1010)]:
        nested = f'{{"access_token":{opening * depth}1{closing * depth}}}'
        assert challenged(header(nested)) in {"", nested}


@pytest.mark.parametrize(
    "text",
    ["a" * 16_384, "a" * 8192 + " " * 8192, 'a="\\' * 4096, 'a="' * 5461, "a= " * 5461],
    ids=["letters", "blanks", "escapes", "quotes", "equals"],
)
def test_no_header_takes_long_to_read(text):
    """The loop stands still meanwhile; 100 ms are a hundred times what a plain header takes."""
    started = time.process_time()
    challenged(text)
    assert time.process_time() - started < 0.1


PIECES = st.sampled_from(
    [
        "Bearer ",
        "error",
        "claims",
        "=",
        '"',
        "\\",
        ",",
        " ",
        "insufficient_claims",
        "e30",
        "-_",
        "é",
        'error="insufficient_claims"',
        f'claims="{encoded(NBF)}"',
        'claims="',
        "\ud800",
        "\x00",
    ]
)


@tried(1000, text=st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=20).map("".join)))
@example(text='error=insufficient_claims claims="\ud800"')
def test_no_header_text_at_all_makes_it_raise(text):
    claims = challenged(text)
    assert claims == "" or json.loads(claims)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@tried(300, claims=st.dictionaries(st.text(max_size=9), JSON, min_size=1, max_size=4))
def test_every_json_object_comes_back_as_it_was_sent(claims):
    assert json.loads(challenged(header(claims))) == claims
    assert json.loads(merged(challenged(header(claims)))) == claims


def test_equal_requests_are_equal_texts():
    assert merged('{"b": 1, "a": {"d": 2, "c": 3}}') == '{"a":{"c":3,"d":2},"b":1}'
    assert merged("", "", "") == merged() == merged("{}") == ""


def test_capability_and_challenge_stand_side_by_side():
    assert json.loads(merged(ANSWERS_CHALLENGES, NBF_TEXT)) == {
        "access_token": {
            "xms_cc": {"values": ["cp1"]},
            "nbf": {"essential": True, "value": "1702682181"},
        }
    }


def test_of_two_that_ask_for_the_same_the_later_wins():
    assert merged('{"access_token":{"acrs":1}}', '{"access_token":{"acrs":2}}') == (
        '{"access_token":{"acrs":2}}'
    )
    assert merged('{"id_token":{"a":1}}', '{"access_token":null}') == (
        '{"access_token":null,"id_token":{"a":1}}'
    )


@pytest.mark.parametrize(
    ("request_", "error"), [("[1]", TypeError), ("7", TypeError), ("{", ValueError)]
)
def test_what_is_no_json_object_is_no_request(request_, error):
    with pytest.raises(error):
        merged(ANSWERS_CHALLENGES, request_)
