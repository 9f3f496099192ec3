"""`$orderby`, and Exchange's rule about what may be sorted after what was filtered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.odata.fields import Field, Fields


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    field: Field
    descending: bool


def parse_order(text: str, fields: Fields) -> tuple[Order, ...]:
    """Parse `a desc,b`. Raises GraphError 400 for an unknown property or direction."""
    return tuple(_order(term, text, fields) for term in text.split(","))


def _order(term: str, text: str, fields: Fields) -> Order:
    words = term.split()
    direction = words[1].casefold() if len(words) == 2 else "asc"
    if not words or len(words) > 2 or direction not in ("asc", "desc"):
        raise bad_request(f"Invalid $orderby clause: Syntax error in '{text}'.")
    field = fields.get(words[0])
    if field is None:
        raise bad_request(
            f"Invalid $orderby clause: Could not find a property named '{words[0]}' on type "
            f"'{fields.entity}'."
        )
    return Order(field, direction == "desc")


def in_order(items: Iterable[Any], orders: Iterable[Order]) -> list[Any]:
    """Sort by all keys; items that are equal in them stay as they were."""
    result = list(items)
    for order in reversed(list(orders)):
        result.sort(key=_key(order), reverse=order.descending)
    return result


def _key(order: Order) -> Any:
    def key(item: Any) -> Any:
        value = order.field.read(item)
        return value.casefold() if isinstance(value, str) else value

    return key


def refuse_inefficient(filtered: tuple[str, ...], orders: tuple[Order, ...]) -> None:
    """Exchange sorts a filtered list only by properties that come first in the filter.

    Source: "user: list messages", "Using filter and orderby in the same query".
    Raises GraphError 400 InefficientFilter.
    """
    wanted = tuple(order.field.name for order in orders)
    if filtered[: len(wanted)] != wanted:
        raise GraphError(
            400,
            "InefficientFilter",
            "The restriction or sort order is too complex for this operation.",
        )
