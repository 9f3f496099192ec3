"""Who writes to whom, and the words that fill the templates."""

import random
from collections.abc import Mapping

from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.store import Profile
from obo_tenant.people import DOMAIN, PEOPLE

PARTNER_DOMAIN = "fabrikam.example"

_COLLEAGUES = (
    "Miriam Graham", "Patti Fernandez", "Irene McGowan", "Robin Kline", "Joni Sherman",
    "Tomas Lindqvist", "Amara Okafor", "Yuki Tanaka", "Petra Novak", "Samuel Ortega",
)  # fmt: skip
_PARTNERS = (
    "Greta Halvorsen", "Ravi Menon", "Claire Dubois", "Marek Zielinski", "Hana Suzuki",
    "Jonas Weber",
)  # fmt: skip

COLLEAGUES: tuple[Address, ...] = (
    *(Address(person.name, person.user_principal_name) for person in PEOPLE),
    *(Address(name, f"{name.lower().replace(' ', '.')}@{DOMAIN}") for name in _COLLEAGUES),
)
PARTNERS: tuple[Address, ...] = tuple(
    Address(name, f"{name.lower().replace(' ', '.')}@{PARTNER_DOMAIN}") for name in _PARTNERS
)
FRIENDS: tuple[Address, ...] = tuple(
    Address(name, f"{name.lower().replace(' ', '.')}@{domain}")
    for domain, names in (
        ("northwind.example", ("Alex Wilber", "Wanda Kowal", "Piet Visser", "Ines Marques")),
        ("woodgrove.example", ("Alex Weber", "Oskar Lund", "Leila Haddad", "Bruno Costa")),
    )
    for name in names
)
"""People outside whom only address books know."""
HOMONYMS: tuple[Address, ...] = (
    Address("Alex Wolter", f"alex.wolter@{DOMAIN}"),
    Address("Alexandra Wiberg", f"alexandra.wiberg@{DOMAIN}"),
)
"""People of the directory whom nobody writes to, with names like somebody else's."""
MACHINES: Mapping[str, Address] = {
    name: Address(name, f"{name.lower().replace(' ', '-')}@{domain}")
    for domain, names in (
        (DOMAIN, ("Facilities", "Travel Desk", "Expenses", "Service Desk", "Canteen", "Learning",
                  "Internal News", "Bank Notices")),
        (PARTNER_DOMAIN, ("Fabrikam Newsletter", "Parcel Service", "Lucky Prize Team",
                          "Discount Pens")),
    )
    for name in names
}  # fmt: skip

PROJECTS = (
    "Harbour Street", "Autumn Range", "Green Shelf", "Night Train", "Paper Lantern", "North Wing",
    "Open Kitchen", "Second Life", "Blue Door", "Short Way",
)  # fmt: skip
_PRODUCTS = (
    "oak benches", "wall lamps", "folding chairs", "tea sets", "linen curtains", "garden tables",
    "kitchen stools", "wicker baskets", "picture frames", "wool blankets", "bookends",
    "coat racks",
)  # fmt: skip
_CITIES = (
    "Porto", "Leeds", "Turin", "Gdansk", "Lyon", "Aarhus", "Graz", "Ghent", "Malaga", "Bergen",
    "Utrecht", "Osaka", "Portland", "Montreal",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


class Words:
    """Fills templates for one person, always the same way for the same seed."""

    def __init__(self, dice: random.Random, owner: Profile) -> None:
        self._dice = dice
        self.colleagues = tuple(each for each in COLLEAGUES if each.address != owner.address)
        self.projects = tuple(dice.sample(PROJECTS, 4))

    def pick(self) -> dict[str, str]:
        """One set of words, to be used for everything in the same conversation."""
        dice = self._dice
        return {
            "project": dice.choice(self.projects),
            "product": dice.choice(_PRODUCTS),
            "city": dice.choice(_CITIES),
            "weekday": dice.choice(_WEEKDAYS),
            "colleague": dice.choice(self.colleagues).name,
            "count": str(dice.randint(12, 96)),
            "small": str(dice.randint(2, 9)),
            "amount": f"{dice.randint(11, 420) * 50:,}",
            "number": f"{dice.randint(1000, 9999)}-{dice.choice('ABCDEFGH')}",
            "project_a": self.projects[0],
            "project_b": self.projects[1],
        }
