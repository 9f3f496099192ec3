"""To whom something goes: people as a model names them, and what an operator allows.

A model may be talked into sending to a stranger, so that addresses are checked here, before any
mail, invitation, share or chat: their form, their number, and the domain behind the @.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import bad_argument, told
from obo_graph.settings import GraphSettings
from obo_graph.shape.paging import objects
from obo_graph.text import comparable, one_line
from obo_graph.wire.answer import Json

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+"
)
# No two parts that could share the same blanks: that would take for ever with many of them.
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")
_UNNAMED = re.compile(r"(?P<name>)(?P<address>[^<>]+)")
_WRITTEN_CHARS = 400
_NAME_BYTES = 128
_DOMAINS_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody by address; `name` may be empty."""

    name: str = ""
    address: str

    @property
    def domain(self) -> str:
        """What is behind the @, in small letters; "" for what is no address of the usual form."""
        whole = _ADDRESS.fullmatch(self.address)
        return self.address.rpartition("@")[2].lower() if whole else ""

    def recipient(self) -> Json:
        """The person as Graph's `recipient` (and `attendee`, but for its type)."""
        named = {"name": self.name} if self.name else {}
        return {"emailAddress": {**named, "address": self.address}}


def parse_people(argument: str, values: Iterable[str]) -> list[Person]:
    """The people that `values` name: `Adele Vance <adele@contoso.com>` or the address alone.

    Somebody named twice is in the list once. The form is that of RFC 5321 section 4.1.2 without
    quoted local parts and address literals, in ASCII: one letter that only looks like another
    would send to somebody else.

    Raises:
        ToolError: one of them is no address, or carries more than one; the text names `argument`.
    """
    people: dict[str, Person] = {}
    for value in values:
        person = _person(argument, value)
        people.setdefault(person.address.lower(), person)
    return list(people.values())


def people_of(recipients: object) -> list[Person]:
    """The people in Graph's list of recipients (or attendees), with addresses as they are."""
    inner = [one.get("emailAddress") for one in objects(recipients)]
    return [
        Person(
            name=one_line(one.get("name"), _NAME_BYTES),
            address=str(one.get("address") or ""),
        )
        for one in objects(inner)
    ]


def distinct(people: Iterable[Person]) -> list[Person]:
    """Each of `people` once; those without an address, whom Exchange looks up, by their names."""
    return list({(one.address or f"\0{one.name}").lower(): one for one in people}.values())


def check_people(people: Iterable[Person], settings: GraphSettings, own_domain: str) -> list[str]:
    """What the person should know about these `people` before anything leaves for them.

    Raises:
        ToolError: `recipients_refused`: more than `settings.max_recipients`, or somebody outside
            `settings.recipient_domains`.
    """
    everybody = distinct(people)
    if len(everybody) > settings.max_recipients:
        raise _refused(
            f"These are {len(everybody)} people; the operator allows {settings.max_recipients}. "
            "Tell the person; do not split it."
        )
    domains = [person.domain for person in everybody]
    allowed = settings.recipient_domains
    outside = [domain for domain in domains if allowed and domain not in allowed]
    if outside:
        raise _refused(
            f"The operator allows no recipients at {_named(outside)}. Tell the person; "
            "leave these people out."
        )
    return _warnings(domains, own_domain)


def _warnings(domains: list[str], own_domain: str) -> list[str]:
    external = [domain for domain in domains if own_domain and domain not in {own_domain, ""}]
    unknown = domains.count("")
    warnings = []
    if external:
        count = f"{len(external)} recipient" + ("s are" if len(external) > 1 else " is")
        warnings.append(f"{count} outside {own_domain}: {_named(external)}.")
    if unknown:
        warnings.append(f"{unknown} recipient(s) without a usual mail address.")
    return warnings


def _person(argument: str, value: str) -> Person:
    if len(value) > _WRITTEN_CHARS or not value.isprintable():
        raise bad_argument(argument, "holds characters that no name or address has, or too many")
    found = _NAMED.fullmatch(value.strip()) or _UNNAMED.fullmatch(value)
    address = found["address"].strip() if found else ""
    if found is None or not _ADDRESS.fullmatch(address):
        raise bad_argument(
            argument,
            "must hold one address in each entry, as 'Name <name@domain>' or alone. Never guess "
            "an address: find it with people_search or ask the person",
        )
    name = one_line(found["name"].strip("'\" "), _NAME_BYTES)
    if "@" in comparable(name) and name.lower() != address.lower():
        raise bad_argument(argument, "gives one address as the name of another")
    return Person(name=name, address=address)


def _named(domains: list[str]) -> str:
    """Each domain once, the first few of them."""
    names = list(dict.fromkeys(one_line(domain, 64) or "an unknown domain" for domain in domains))
    more = len(names) - _DOMAINS_TOLD
    return ", ".join(names[:_DOMAINS_TOLD]) + (f" and {more} more" if more > 0 else "")


def _refused(hint: str) -> ToolError:
    return told("recipients_refused", hint)
