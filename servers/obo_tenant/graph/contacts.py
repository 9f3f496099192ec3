"""`/me/contacts`: the address book that somebody keeps.

Sources: Graph "List contacts", "contact" resource type.
"""

import random
import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.errors import item_not_found, malformed_id
from obo_tenant.graph.ids import OutlookIds, change_key, is_outlook_id, outlook_ids
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.filters import Filter, parse_filter
from obo_tenant.graph.odata.order import in_order, parse_order, refuse_inefficient
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.prefer import Preferences
from obo_tenant.graph.seed.cast import FRIENDS, PARTNERS
from obo_tenant.graph.store import Profile
from obo_tenant.graph.visit import Visit, operations

_MADE = "2026-02-03T08:15:00Z"
_SMALL = 2
_BY_ADDRESS = re.compile(
    r"emailAddresses/any\((\w+):\s*\1/address eq '((?:[^']|'')*)'\)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody in an address book."""

    ids: OutlookIds
    change_key: str
    person: Address
    company: str
    title: str
    phone: str


_CONTACT_FIELDS = fields(
    "contact",
    (
        Field("displayName", "Edm.String", lambda c: c.person.name),
        Field("givenName", "Edm.String", lambda c: c.person.name.partition(" ")[0]),
        Field("surname", "Edm.String", lambda c: c.person.name.partition(" ")[2]),
        Field("companyName", "Edm.String", lambda c: c.company),
    ),
)


def contacts_of(owner: Profile) -> list[Contact]:
    """The address book of a person, by name: the same every time. A synthetic one's is short."""
    dice = random.Random(f"contacts {owner.oid.casefold()}")
    people = [*FRIENDS, *PARTNERS]
    if owner.synthetic:
        people = people[:_SMALL]
    found = [_contact(owner, each, dice) for each in people if each.address != owner.address]
    return sorted(found, key=lambda each: each.person.name)


def list_contacts(visit: Visit) -> Response:
    """The address book, or those in it whom a filter names."""
    options, found = visit.options, contacts_of(visit.owner.profile)
    _check(visit)
    filtered: tuple[str, ...] | None = None
    if options.filter is not None:
        parsed = _parsed(options.filter)
        filtered, found = parsed.properties, list(filter(parsed.matches, found))
    if options.order_by is not None:
        orders = parse_order(options.order_by, _CONTACT_FIELDS)
        if filtered is not None:
            refuse_inefficient(filtered, orders)
        found = in_order(found, orders)
    size = page_size(options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(found, options, size=size, by="$skip")
    shown = [_shown(visit, each) for each in page.items]
    total = len(found) if options.count else None
    return visit.many(visit.mine("contacts"), page, shown, total)


def get_contact(visit: Visit) -> Response:
    """One of the address book."""
    _check(visit)
    name = visit.variables["contact"]
    for each in contacts_of(visit.owner.profile):
        if name in (each.ids.default, each.ids.immutable):
            return visit.one(visit.mine("contacts/$entity"), _shown(visit, each))
    raise item_not_found("mail") if is_outlook_id(name) else malformed_id()


def _parsed(text: str) -> Filter:
    by_address = _BY_ADDRESS.fullmatch(text.strip())
    if by_address is None:
        return parse_filter(text, _CONTACT_FIELDS)
    wanted = by_address[2].replace("''", "'").casefold()
    return Filter(lambda each: each.person.address.casefold() == wanted, ("emailAddresses",))


def _check(visit: Visit) -> None:
    sample = _contact(visit.owner.profile, PARTNERS[0], random.Random(0))
    check_names(visit.options.select, contact_json(visit.owner.profile, sample), "contact")


def _shown(visit: Visit, contact: Contact) -> dict[str, Any]:
    full = contact_json(visit.owner.profile, contact, visit.prefer)
    return show(full, visit.options.select, always=("@odata.etag", "id"))


def contact_json(
    owner: Profile, contact: Contact, prefer: Preferences | None = None
) -> dict[str, Any]:
    """All properties of a contact."""
    immutable = prefer is not None and prefer.immutable_ids
    person = contact.person
    first, _, last = person.name.partition(" ")
    unset = (
        "birthday", "initials", "middleName", "nickName", "title", "yomiGivenName", "yomiSurname",
        "yomiCompanyName", "generation", "department", "officeLocation", "profession",
        "businessHomePage", "assistantName", "manager", "mobilePhone", "spouseName",
    )  # fmt: skip
    return {
        "@odata.etag": f'W/"{contact.change_key}"',
        "id": contact.ids.pick(immutable=immutable),
        "createdDateTime": _MADE,
        "lastModifiedDateTime": _MADE,
        "changeKey": contact.change_key,
        "categories": [],
        "parentFolderId": outlook_ids(owner.oid, "folder", "contacts").pick(immutable=immutable),
        "fileAs": f"{last}, {first}",
        "displayName": person.name,
        "givenName": first,
        "surname": last,
        "jobTitle": contact.title,
        "companyName": contact.company,
        "personalNotes": "",
        "imAddresses": [],
        "homePhones": [],
        "businessPhones": [contact.phone],
        "children": [],
        "emailAddresses": [{"name": person.name, "address": person.address}],
        "homeAddress": {},
        "businessAddress": {},
        "otherAddress": {},
        **dict.fromkeys(unset),
    }


def _contact(owner: Profile, person: Address, dice: random.Random) -> Contact:
    domain = person.address.partition("@")[2]
    return Contact(
        ids=outlook_ids(owner.oid, "contact", person.address),
        change_key=change_key(owner.oid, f"contact {person.address}"),
        person=person,
        company=domain.partition(".")[0].capitalize(),
        title=dice.choice(("Sales", "Buyer", "Owner", "Driver", "Architect")),
        phone=f"+47 55 50 {dice.randint(1000, 9999)}",
    )


OPERATIONS = operations(
    "mail",
    "Contacts.Read Contacts.ReadWrite",
    ("contacts", list_contacts),
    ("contacts/{contact}", get_contact),
)
