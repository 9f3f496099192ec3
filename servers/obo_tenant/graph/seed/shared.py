"""What the people of the tenant have shared with each other from the start."""

from obo_tenant.graph.drive import Drive
from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.sharing import Grant, Role
from obo_tenant.graph.store import REGISTERED

_SHARES: tuple[tuple[str, str, str, Role], ...] = (
    ("megan", "adele", "Team/Budget overview.csv", "read"),
    ("alex", "adele", "Suppliers", "write"),
    ("diego", "lynne", "Team/Budget overview.csv", "write"),
)


def share_as_seeded(drive: Drive, owner_key: str) -> None:
    """Grant what the person with `owner_key` has shared."""
    people = {person.key: person for person in REGISTERED.values()}
    for giver, receiver, path, role in _SHARES:
        item = drive.at_path(drive.root, path)
        if giver != owner_key or item is None:
            continue
        person = people[receiver]
        drive.grants.add(
            Grant(
                grant_id=guid(drive.owner_oid, f"grant {receiver} {path}"),
                key=item.key,
                role=role,
                person=Address(person.name, person.address),
                oid=person.oid,
            )
        )


def givers(receiver: str) -> frozenset[str]:
    """The keys of the people who have shared something with `receiver` from the start."""
    return frozenset(giver for giver, to, _, _ in _SHARES if to == receiver)
