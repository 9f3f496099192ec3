"""A JSON object that a caller sent, read member by member; wrong types are refused as OData does.

Source: OData JSON Format 4.01 section 4, Graph "errors" page (`RequestBodyRead`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from obo_tenant.graph import zones
from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.plain_json import read_json

_YEARS = range(1970, 2100)


def read_object(content: bytes) -> dict[str, Any]:
    """The object in a request body; no body at all is an empty one. Raises GraphError 400."""
    if not content:
        return {}
    try:
        value = read_json(content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and "
            "payload is of valid JSON format."
        )
    return value


def lowered(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action, whose names are matched without regard to case."""
    return {name.casefold(): value for name, value in given.items()}


def own_members(given: Mapping[str, Any], known: Iterable[str], entity: str) -> dict[str, Any]:
    """The members without annotations. Raises GraphError 400 for one that the type lacks."""
    names = frozenset(known)
    members = {name: value for name, value in given.items() if "@" not in name}
    for name in members:
        if name not in names:
            raise GraphError(
                400,
                "RequestBodyRead",
                f"The property '{name}' does not exist on type 'microsoft.graph.{entity}'. Make "
                "sure to only use property names that are defined by the type or mark the type as "
                "open type.",
            )
    return members


def as_text(value: object, *, longest: int = 32_000) -> str:
    """An Edm.String; null is empty. Raises GraphError 400."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise _unconvertible("Edm.String")
    return value


def as_flag(value: object) -> bool:
    """An Edm.Boolean. Raises GraphError 400."""
    if not isinstance(value, bool):
        raise _unconvertible("Edm.Boolean")
    return value


def as_number(value: object, low: int, high: int) -> int:
    """An Edm.Int32 between `low` and `high`. Raises GraphError 400."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unconvertible("Edm.Int32")
    if not low <= value <= high:
        raise invalid_property()
    return value


def as_object(value: object) -> dict[str, Any]:
    """A complex value. Raises GraphError 400."""
    if not isinstance(value, dict):
        raise _unconvertible("an object")
    return value


def as_list(value: object, *, longest: int = 500) -> list[Any]:
    """A collection. Raises GraphError 400."""
    if not isinstance(value, list) or len(value) > longest:
        raise _unconvertible("a collection")
    return value


def one_of(value: object, allowed: Iterable[str]) -> str:
    """A member of an enumeration, in its own spelling. Raises GraphError 400."""
    wanted = as_text(value).casefold()
    for each in allowed:
        if each.casefold() == wanted:
            return each
    raise _unconvertible("the enumeration")


def as_moment(value: object) -> tuple[datetime, str]:
    """A dateTimeTimeZone as local time in its zone, and the zone's name. Raises GraphError 400."""
    given = as_object(value)
    name = as_text(given.get("timeZone")) or "UTC"
    where = zones.find(name)
    if where is None:
        raise GraphError(
            400,
            "TimeZoneNotSupportedException",
            "A valid TimeZone value must be specified. The following TimeZone value is not "
            f"supported: '{name}'.",
        )
    try:
        moment = datetime.fromisoformat(as_text(given.get("dateTime")))
    except ValueError as flaw:
        raise _unconvertible("Edm.DateTime") from flaw
    if moment.year not in _YEARS:
        raise invalid_property()
    return (moment.astimezone(where) if moment.tzinfo else moment.replace(tzinfo=where)), name


def as_instant(value: object) -> datetime:
    """A dateTimeTimeZone as UTC. Raises GraphError 400."""
    return as_moment(value)[0].astimezone(UTC)


def invalid_property() -> GraphError:
    """400: of the right type, but not a value that this property takes."""
    return GraphError(
        400, "ErrorPropertyValidationFailure", "At least one property failed validation."
    )


def _unconvertible(kind: str) -> GraphError:
    return GraphError(
        400, "RequestBodyRead", f"Cannot convert a literal of the request to '{kind}'."
    )
