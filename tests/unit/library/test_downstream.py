"""The look at a downstream token: the same person in the same tenant, where it can be read."""

import base64
import json

import pytest
from hypothesis import strategies as st

from fuzz.effort import tried
from obo_mcp.errors import WrongPerson
from obo_mcp.exchange.downstream import check_person
from obo_mcp.secret import Secret
from support.exchanges import NEIGHBOUR, a_caller
from support.tokens import TENANT

ADELE = a_caller().principal


def part(claims) -> str:
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def token(claims) -> Secret:
    return Secret(f"{part({'alg': 'RS256'})}.{part(claims)}.signature")


@pytest.mark.parametrize(
    "claims",
    [
        {"oid": "adele", "tid": TENANT},
        {"oid": "adele", "tid": TENANT, "sub": "another one towards each resource", "azp": "ours"},
        {"oid": "adele"},
        {"tid": TENANT},
        {"aud": "https://g.example", "exp": 0},
        {},
    ],
)
def test_the_same_person_and_a_token_that_does_not_say_pass(claims):
    check_person(token(claims), ADELE)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"oid": "megan", "tid": TENANT}, "oid"),
        ({"oid": "adele", "tid": NEIGHBOUR}, "tid"),
        ({"oid": "megan", "tid": NEIGHBOUR}, "oid"),
        ({"oid": "", "tid": TENANT}, "oid"),
        ({"oid": None, "tid": TENANT}, "oid"),
        ({"oid": ["adele"], "tid": TENANT}, "oid"),
        ({"oid": "adele", "tid": 7}, "tid"),
        ({"oid": "Adele", "tid": TENANT}, "oid"),
    ],
)
def test_another_person_or_tenant_is_refused_in_words_that_name_nobody(claims, name):
    with pytest.raises(WrongPerson) as caught:
        check_person(token(claims), ADELE)
    assert str(caught.value.__cause__) == f"another {name} in the downstream token"
    for hidden in ("megan", "adele", TENANT, NEIGHBOUR):
        assert hidden not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "text",
    [
        "EwBgA8l6BAAU",
        "a.b",
        f"a.{part({'oid': 'megan'})}",
        f"h.{part({'oid': 'megan'})}.e.c.t",
        "a.%%%.c",
        "a..c",
        "...",
        f"a.{part('[1]')}.c",
        f"a.{part('{')}.c",
        f"a.{part('[' * 90_000)}.c",
        "a.Ä.c",
        "a.\ud800.c",
    ],
)
def test_what_cannot_be_read_is_an_opaque_token_and_passes(text):
    check_person(Secret(text), ADELE)


@tried(500, middle=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(bytes.hex)))
def test_no_text_makes_the_look_raise_anything_of_its_own(middle):
    check_person(Secret(f"a.{middle}.c"), ADELE)
    check_person(Secret(middle), ADELE)
