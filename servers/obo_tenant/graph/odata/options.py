"""The query string, split into OData's system options.

Source: Graph "use query parameters to customize responses".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from obo_tenant.graph.errors import GraphError, bad_request

_SYSTEM = frozenset(
    {"$select", "$top", "$skip", "$skiptoken", "$orderby", "$filter", "$search", "$count"}
    | {"$expand", "$format"}
)

_COMMA = re.compile(r",(?![^(]*\))")  # not within the options of one name
_LONGEST_NESTED = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one request. `pairs` is the query as it came, for the next link."""

    select: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    top: int | None = None
    skip: int = 0
    skip_token: str | None = None
    order_by: str | None = None
    filter: str | None = None
    search: str | None = None
    count: bool = False
    plain: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()


def parse_options(query: str) -> Options:
    """Parse a raw query string. Raises GraphError 400 where Graph's parser would."""
    pairs = tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=None))
    if len(pairs) > 50:
        raise bad_request("Too many query options.")
    system, plain = _sorted_out(pairs)
    return Options(
        select=_names(system.get("$select")),
        expand=_names(system.get("$expand")),
        top=_number("$top", system.get("$top")),
        skip=_number("$skip", system.get("$skip")) or 0,
        skip_token=system.get("$skiptoken"),
        order_by=system.get("$orderby"),
        filter=system.get("$filter"),
        search=system.get("$search"),
        count=_truth(system.get("$count")),
        plain=plain,
        pairs=pairs,
    )


def _sorted_out(pairs: tuple[tuple[str, str], ...]) -> tuple[dict[str, str], dict[str, str]]:
    system: dict[str, str] = {}
    plain: dict[str, str] = {}
    for name, value in pairs:
        option = name.casefold()
        if not option.startswith("$"):
            plain[option] = value
            continue
        if option not in _SYSTEM:
            raise bad_request(f"The query parameter '{name}' is not supported.")
        if option in system:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified "
                "at most once."
            )
        system[option] = value
    return system, plain


def _names(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    nested = "(" in text and len(text) < _LONGEST_NESTED
    names = tuple(part.strip() for part in (_COMMA.split(text) if nested else text.split(",")))
    if not all(names):
        raise bad_request("Parsing OData Select and Expand failed: an empty term was found.")
    return names


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    plain = text.removeprefix("-")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise bad_request(f"Invalid value '{text}' for {name} query option found. ")
    if text.startswith("-"):
        raise bad_request(
            f"Invalid value '{text}' for {name} query option found. The {name} query option "
            "requires a non-negative integer value."
        )
    return int(plain)


def _truth(text: str | None) -> bool:
    value = (text or "false").casefold()
    if value not in ("true", "false"):
        raise GraphError(
            400, "BadRequest", f"Invalid value '{text}' for $count query option found."
        )
    return value == "true"
