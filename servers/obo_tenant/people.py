"""The two organizations of this program, and their people.

The names and job titles of Contoso's people are those of Microsoft's public demo content;
everything else is ours.
"""

from dataclasses import dataclass, field
from uuid import uuid4

TENANT_ID = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"
DOMAIN = "contoso.example"
NEIGHBOUR_DOMAIN = "fabrikam.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can sign in. `key` is the short name used by the control switches."""

    key: str
    oid: str
    name: str
    job_title: str
    office: str
    time_zone: str
    password: str = field(repr=False)
    domain: str = DOMAIN

    @property
    def user_principal_name(self) -> str:
        """The sign-in name, `key@domain`."""
        return f"{self.key}@{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Whose tenant it is. `key` is the short name used by the control switches.

    `without_consent` names the one of its people who starts without any, `administrator` the one
    who may consent for everybody.
    """

    key: str
    tenant_id: str
    domain: str
    company: str
    people: tuple[Person, ...]
    without_consent: str
    administrator: str


PEOPLE: tuple[Person, ...] = (
    Person(
        key="adele",
        oid="0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e601",
        name="Adele Vance",
        job_title="Retail Manager",
        office="18/2111",
        time_zone="Pacific Standard Time",
        password="orchid-lantern-41",
    ),
    Person(
        key="megan",
        oid="48d31887-5fad-4d73-a9f5-3c356e68a038",
        name="Megan Bowen",
        job_title="Auditor",
        office="12/1110",
        time_zone="Eastern Standard Time",
        password="granite-violin-17",
    ),
    Person(
        key="alex",
        oid="a7e2b9c4-61d8-4f35-b0c9-94e17d3a5f28",
        name="Alex Wilber",
        job_title="Marketing Assistant",
        office="131/1104",
        time_zone="W. Europe Standard Time",
        password="copper-meadow-88",
    ),
    Person(
        key="lynne",
        oid="d3914f70-2c5b-47aa-8e66-0b71c8f92e5d",
        name="Lynne Robbins",
        job_title="Planner",
        office="20/1104",
        time_zone="Tokyo Standard Time",
        password="harbour-thistle-05",
    ),
    Person(
        key="diego",
        oid="5ce07b13-8fd4-4e29-a1b7-3f6d90c2e847",
        name="Diego Siciliani",
        job_title="HR Manager",
        office="14/1108",
        time_zone="UTC",
        password="saffron-bridge-62",
    ),
)

NEIGHBOURS: tuple[Person, ...] = (
    Person(
        key="nora",
        oid="7d2b90e5-14c6-4b8f-9a53-c0e81f6d3a72",
        name="Nora Eide",
        job_title="Buyer",
        office="3/310",
        time_zone="W. Europe Standard Time",
        password="willow-compass-29",
        domain=NEIGHBOUR_DOMAIN,
    ),
    Person(
        key="imran",
        oid="c14f7a68-9be2-4d05-8371-5ae60d92bf1c",
        name="Imran Shah",
        job_title="Controller",
        office="3/322",
        time_zone="GMT Standard Time",
        password="pepper-anchor-73",
        domain=NEIGHBOUR_DOMAIN,
    ),
)

# Diego and Imran start without consent, so that every demo can show what its absence looks like.
HOME = Organization(
    key="home",
    tenant_id=TENANT_ID,
    domain=DOMAIN,
    company="Contoso",
    people=PEOPLE,
    without_consent="diego",
    administrator="megan",
)
NEIGHBOUR = Organization(
    key="neighbour",
    tenant_id="d80c52f7-3e19-4a6b-b2d4-71f96ac05e38",
    domain=NEIGHBOUR_DOMAIN,
    company="Fabrikam",
    people=NEIGHBOURS,
    without_consent="imran",
    administrator="nora",
)


def synthetic_person(oid: str) -> Person:
    """Somebody made for a load test: the same name for the same object id, and no way to sign in.

    Entra and Graph both name them so, each knowing nothing but the object id.
    """
    plain = "".join(letter for letter in oid.casefold() if letter.isascii() and letter.isalnum())
    short = plain[:16] or "nobody"
    return Person(
        key=f"sam.{short}",
        oid=oid,
        name=f"Sam {short.capitalize()}",
        job_title="Associate",
        office="1/1001",
        time_zone="UTC",
        password=str(uuid4()),
    )
