"""`/me/people`: whom somebody has to do with, the most relevant first.

Relevance is how often they stand in each other's mail. Sources: Graph "List people", "person"
resource type, "Use the $search query parameter" (at most 250 people).
"""

import re
from collections import Counter
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.errors import bad_request
from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Address, Mailbox
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.store import Profile
from obo_tenant.graph.users import everybody
from obo_tenant.graph.visit import Visit, operations

_MOST_FOUND = 250
_MOST_PER_MAIL = 12
_WORD = re.compile(r"\w+")
_PERSON_FIELDS = fields(
    "person",
    (
        Field("displayName", "Edm.String", lambda p: p["displayName"]),
        Field("personType/class", "Edm.String", lambda p: p["personType"]["class"]),
        Field("personType/subclass", "Edm.String", lambda p: p["personType"]["subclass"]),
    ),
)


def list_people(visit: Visit) -> Response:
    """The people that fit, in the order of their relevance."""
    options = visit.options
    everyone = _relevant(visit)
    check_names(options.select, everyone[0] if everyone else (), "person")
    if options.order_by is not None:
        raise bad_request("The query parameter '$orderby' is not supported here.")
    if options.search is not None:
        words = _WORD.findall(options.search.casefold())
        if not words:
            raise bad_request("The query parameter '$search' is empty.")
        everyone = [each for each in everyone if _fits(each, words)][:_MOST_FOUND]
    if options.filter is not None:
        everyone = list(filter(parse_filter(options.filter, _PERSON_FIELDS).matches, everyone))
    size = page_size(options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(everyone, options, size=size, by="$skip")
    shown = [show(each, options.select, always=("id",)) for each in page.items]
    return visit.many(visit.mine("people"), page, shown)


def _relevant(visit: Visit) -> list[dict[str, Any]]:
    own = visit.owner.profile
    known = {each.address: each for each in everybody(own.company)}
    met = _met(visit.owner.mailbox)
    rest = [Address(each.name, each.address) for each in known.values()]
    ranked = dict.fromkeys((*(who for who, _ in met.most_common()), *rest))
    listed = {each.address.casefold(): each for each in reversed(ranked) if each.address}
    return [
        _person_json(own, each, known.get(each.address), met[each])
        for each in ranked
        if listed.get(each.address.casefold()) is each and each.address != own.address
    ]


def _met(box: Mailbox) -> Counter[Address]:
    met: Counter[Address] = Counter()
    for mail in box.messages:
        met.update({mail.sender, *mail.to[:_MOST_PER_MAIL], *mail.cc[:_MOST_PER_MAIL]})
    return met


def _fits(person: dict[str, Any], words: list[str]) -> bool:
    addresses = " ".join(each["address"] for each in person["scoredEmailAddresses"])
    tokens = _WORD.findall(f"{person['displayName']} {addresses}".casefold())
    return all(any(token.startswith(word) for token in tokens) for word in words)


def _person_json(
    own: Profile, person: Address, known: Profile | None, mails: int
) -> dict[str, Any]:
    first, _, last = person.name.partition(" ")
    score = {"address": person.address, "relevanceScore": float(mails)}
    return {
        "id": known.oid if known else guid(own.oid, f"person {person.address}"),
        "displayName": person.name,
        "givenName": first,
        "surname": last,
        "birthday": "",
        "personNotes": "",
        "isFavorite": False,
        "jobTitle": known.job_title if known else None,
        "companyName": known.company if known else None,
        "yomiCompany": "",
        "department": known.department if known else None,
        "officeLocation": known.office if known else None,
        "profession": "",
        "userPrincipalName": person.address if known else "",
        "imAddress": f"sip:{person.address}" if known else "",
        "scoredEmailAddresses": [{**score, "selectionLikelihood": "notSpecified"}],
        "phones": [{"type": "business", "number": number} for number in known.phones]
        if known
        else [],
        "postalAddresses": [],
        "websites": [],
        "personType": {
            "class": "Person",
            "subclass": "OrganizationUser" if known else "ImplicitContact",
        },
    }


OPERATIONS = operations("people", "People.Read People.Read.All", ("people", list_people))
