import json
import time

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.settings import GraphSettings
from obo_graph.shape.addresses import Person, check_people, parse_people, people_of
from obo_graph.shape.recipients import written


def refusal_of(call, *arguments):
    with pytest.raises(ToolError) as caught:
        call(*arguments)
    return json.loads(str(caught.value))


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("adele@contoso.example", "", "adele@contoso.example"),
        (" adele@contoso.example ", "", "adele@contoso.example"),
        ("<adele@contoso.example>", "", "adele@contoso.example"),
        ("Adele Vance <adele@contoso.example>", "Adele Vance", "adele@contoso.example"),
        ('"Vance, Adele" <a.v+x@c-o.example>', "Vance, Adele", "a.v+x@c-o.example"),
        ("Zoë Ødegård <z@contoso.example>", "Zoë Ødegård", "z@contoso.example"),
        ("adele@contoso.example <Adele@contoso.example>", *["adele@contoso.example"] * 1, None),
    ],
)
def test_an_address_is_taken_alone_or_with_a_name(written, name, address):
    (person,) = parse_people("to", [written])
    assert person.name == name
    assert person.address == (address or "Adele@contoso.example")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Adele Vance",
        "adele",
        "adele@contoso",
        "@contoso.example",
        "adele@",
        "a@b@contoso.example",
        "adele@contoso.example, megan@contoso.example",
        "adele@contoso.example; megan@contoso.example",
        "Adele <a@contoso.example> <b@evil.example>",
        "adele@contoso.example <stranger@evil.example>",
        "adele@contoso.example\r\nBcc: stranger@evil.example",
        "Adele\n <adele@contoso.example>",
        "adele@contoso.example\u200b",
        "adele@contoso.example\u202e",
        "Adele\U000e0041 <adele@contoso.example>",
        "adele@cont\u043eso.example",
        "adéle@contoso.example",
        '"a b"@contoso.example',
        "adele@[127.0.0.1]",
        "a..b@contoso.example",
        ".a@contoso.example",
        "adele@-contoso.example",
        "adele@contoso..example",
        "x" * 65 + "@contoso.example",
        "a@" + "b" * 64 + ".example",
        "a@" + "b." * 130 + "example",
        "mailto:adele@contoso.example?bcc=stranger@evil.example",
        "/o=contoso/cn=adele",
        "none",
    ],
)
def test_what_is_no_single_plain_address_is_refused_without_repeating_it(written):
    words = refusal_of(parse_people, "cc", ["megan@contoso.example", written])
    assert (words["error"], words["argument"]) == ("bad_argument", "cc")
    assert "evil" not in str(words)


def test_a_name_alone_is_answered_with_where_addresses_come_from():
    assert "people_search" in refusal_of(parse_people, "to", ["Adele Vance"])["hint"]


def test_somebody_named_twice_is_there_once():
    people = parse_people("to", ["A <a@contoso.example>", "A@CONTOSO.example", "b@x.example"])
    assert [person.address for person in people] == ["a@contoso.example", "b@x.example"]


def test_a_person_is_a_recipient_of_graph():
    assert Person(address="a@x.example").recipient() == {"emailAddress": {"address": "a@x.example"}}
    (person,) = parse_people("to", ["A <a@x.example>"])
    assert people_of([person.recipient()]) == [person]


@pytest.mark.parametrize("odd", [None, "x", [None], [{}], [{"emailAddress": "x"}]])
def test_what_is_no_list_of_recipients_names_nobody(odd):
    assert people_of(odd) == []


def at(*domains):
    return [Person(address=f"p{n}@{domain}") for n, domain in enumerate(domains)]


def test_people_of_the_own_domain_need_no_warning():
    assert check_people(at("contoso.example"), GraphSettings(), "contoso.example") == []


def test_strangers_are_counted_with_their_domains():
    people = at("contoso.example", "Fabrikam.example", "fabrikam.example", "evil.example")
    (warning,) = check_people(people, GraphSettings(), "contoso.example")
    assert warning == "3 recipients are outside contoso.example: fabrikam.example, evil.example."


def test_many_foreign_domains_are_not_all_named():
    people = at(*(f"d{n}.example" for n in range(9)))
    (warning,) = check_people(people, GraphSettings(), "contoso.example")
    assert warning.endswith("d4.example and 4 more.")


@pytest.mark.parametrize("domain", ["contoso.example.evil.example", "sub.contoso.example"])
def test_a_domain_that_only_looks_like_an_allowed_one_is_refused(domain):
    settings = GraphSettings(recipient_domains="contoso.example")
    words = refusal_of(check_people, at(domain), settings, "contoso.example")
    assert words["error"] == "recipients_refused"
    assert domain in words["hint"]
    assert "p0@" not in str(words)


def test_allowed_domains_are_compared_without_case():
    settings = GraphSettings(recipient_domains="Contoso.example")
    assert check_people(at("CONTOSO.example"), settings, "contoso.example") == []


@pytest.mark.parametrize(
    "address", ["", "/o=contoso/cn=adele", "a@contoso.example\u200b.evil.example", "a@b@c.example"]
)
def test_what_is_no_usual_address_passes_no_allow_list_and_is_pointed_out(address):
    people = [Person(address=address)]
    settings = GraphSettings(recipient_domains="contoso.example,c.example")
    assert "unknown" in refusal_of(check_people, people, settings, "contoso.example")["hint"]
    (warning,) = check_people(people, GraphSettings(), "contoso.example")
    assert "without a usual mail address" in warning


def test_the_number_of_people_is_bounded_and_one_counts_once():
    settings = GraphSettings(max_recipients=2)
    people = at("x.example", "x.example", "x.example")
    assert "operator allows 2" in refusal_of(check_people, people, settings, "")["hint"]
    again = [Person(address=person.address.upper()) for person in people[:2]]
    assert check_people([*people[:2], *again], settings, "") == []


def test_many_blanks_take_no_time():
    blanks = " " * 380
    began = time.perf_counter()
    for _ in range(500):
        refusal_of(parse_people, "to", [blanks])
        parse_people("to", [f"a{blanks[:360]}b <a@contoso.example>"])
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("name", ["megan@contoso.example", "megan\uff20contoso.example"])
def test_a_name_that_looks_like_an_address_is_none(name):
    refusal = refusal_of(parse_people, "to", [f"{name} <stranger@evil.example>"])
    assert "name of another" in refusal["hint"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Megan <megan@contoso.example>", "Megan (megan@contoso.example) <x@evil.example>"),
        ("megan@contoso.example", "x@evil.example"),
        ("X@evil.example", "x@evil.example"),
        ("Pat @ Fabrikam", "Pat @ Fabrikam <x@evil.example>"),
        ("", "x@evil.example"),
    ],
)
def test_a_name_cannot_pass_for_the_address(name, shown):
    assert written({"emailAddress": {"name": name, "address": "x@evil.example"}}) == shown
