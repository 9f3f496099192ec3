"""Everybody in the directory of a company: those who can sign in, and their many colleagues."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.seed.cast import COLLEAGUES, HOMONYMS, PARTNERS
from obo_tenant.graph.store import REGISTERED, Profile
from obo_tenant.people import HOME, NEIGHBOUR

_TITLES = ("Buyer", "Designer", "Store Manager", "Analyst", "Carpenter", "Clerk")
_DEPARTMENTS = ("Retail", "Marketing", "Operations", "Finance", "Logistics")
_STAFF: Mapping[str, tuple[Address, ...]] = {
    HOME.company: (*COLLEAGUES, *HOMONYMS),
    NEIGHBOUR.company: PARTNERS,
}

DEFAULT_PROPERTIES = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
    "officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
BASIC_PROPERTIES = frozenset(
    {"displayName", "givenName", "surname", "mail", "userPrincipalName", "id"}
)
"""All that User.ReadBasic.All shows of others."""

USER_FIELDS = fields(
    "user",
    (
        Field("displayName", "Edm.String", lambda p: p.name),
        Field("givenName", "Edm.String", lambda p: p.name.partition(" ")[0]),
        Field("surname", "Edm.String", lambda p: p.name.partition(" ")[2]),
        Field("mail", "Edm.String", lambda p: p.address),
        Field("userPrincipalName", "Edm.String", lambda p: p.address),
        Field("jobTitle", "Edm.String", lambda p: p.job_title),
        Field("department", "Edm.String", lambda p: p.department),
        Field("id", "Edm.String", lambda p: p.oid),
        Field("accountEnabled", "Edm.Boolean", lambda _: True),
    ),
)


@lru_cache(maxsize=4)
def everybody(company: str) -> tuple[Profile, ...]:
    """The people of that company, by name."""
    known = {each.address: each for each in REGISTERED.values() if each.company == company}
    others = (each for each in _STAFF.get(company, ()) if each.address not in known)
    made = [_colleague(number, each, company) for number, each in enumerate(others)]
    return tuple(sorted((*known.values(), *made), key=lambda each: each.name))


def user_named(name: str, company: str) -> Profile | None:
    """The person with this object id or user principal name, or None."""
    wanted = name.casefold()
    found = (p for p in everybody(company) if wanted in (p.oid.casefold(), p.address.casefold()))
    return next(found, None)


def user_json(person: Profile, *, basic: bool = False) -> dict[str, Any]:
    """All properties of a user; with `basic` what is more than that is null or empty."""
    first, _, last = person.name.partition(" ")
    full: dict[str, Any] = {
        "businessPhones": list(person.phones),
        "displayName": person.name,
        "givenName": first,
        "jobTitle": person.job_title,
        "mail": person.address,
        "mobilePhone": None,
        "officeLocation": person.office,
        "preferredLanguage": "en-US",
        "surname": last,
        "userPrincipalName": person.address,
        "id": person.oid,
        "accountEnabled": True,
        "aboutMe": None,
        "city": None,
        "companyName": person.company,
        "country": None,
        "department": person.department,
        "employeeId": None,
        "mailNickname": person.address.partition("@")[0],
        "otherMails": [],
        "proxyAddresses": [f"SMTP:{person.address}"],
        "usageLocation": None,
        "userType": "Member",
    }
    if not basic:
        return full
    return {
        name: value if name in BASIC_PROPERTIES else [] if isinstance(value, list) else None
        for name, value in full.items()
    }


def _colleague(number: int, person: Address, company: str) -> Profile:
    return Profile(
        oid=guid(company, person.address),
        key=person.address,
        name=person.name,
        address=person.address,
        job_title=_TITLES[number % len(_TITLES)],
        department=_DEPARTMENTS[number % len(_DEPARTMENTS)],
        office=f"{number + 2}/{1100 + number}",
        time_zone="UTC",
        company=company,
        phones=(f"+1 425 555 02{number:02d}",),
    )
