"""People as Graph names them in mail and events, made short."""

from obo_graph.shape.paging import objects
from obo_graph.text import one_line
from obo_graph.wire.answer import Json

_NAME_BYTES = 64
_ADDRESS_BYTES = 96
_BRACKETS = str.maketrans("<>", "()")


def address_of(recipient: object) -> str:
    """The address in a Graph recipient, cleaned; "" if it has none."""
    return one_line(_inner(recipient).get("address"), _ADDRESS_BYTES)


def name_of(recipient: object) -> str:
    """The display name, or the address where there is no name or it is somebody else's address.

    Whoever writes chooses their name: it must not look like an address behind a name.
    """
    name, address = one_line(_inner(recipient).get("name"), _NAME_BYTES), address_of(recipient)
    if address and " " not in name and "@" in name:
        return address
    return name.translate(_BRACKETS) or address


def written(recipient: object) -> str:
    """`Name <address>`; one of the two where the other is missing or the same."""
    name, address = name_of(recipient), address_of(recipient)
    return name if name == address or not address else f"{name} <{address}>"


def names(recipients: object, most: int) -> str:
    """The first `most` names and how many more there are: `A, B, C +7`."""
    people = objects(recipients)
    shown = ", ".join(name_of(person) for person in people[:most])
    return f"{shown} +{len(people) - most}" if len(people) > most else shown


def listed(recipients: object, most: int) -> list[str]:
    """The first `most` people as `Name <address>`, and a last line that says how many more."""
    people = objects(recipients)
    shown = [written(person) for person in people[:most]]
    return [*shown, f"+{len(people) - most} more"] if len(people) > most else shown


def first_of(lines: list[str], most: int) -> list[str]:
    """The first `most` of `lines`, and a last one that says how many more."""
    return [*lines[:most], f"+{len(lines) - most} more"] if len(lines) > most else lines


def _inner(recipient: object) -> Json:
    inner = recipient.get("emailAddress") if isinstance(recipient, dict) else None
    return inner if isinstance(inner, dict) else {}
