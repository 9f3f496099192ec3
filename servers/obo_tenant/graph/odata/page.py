"""Pages and the link to the next one; `$select` on what is shown.

Source: Graph "paging". Tokens are opaque to callers; here they hold an offset.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.odata.options import Options

_MARK = "obo-page:"


@dataclass(frozen=True, slots=True)
class Page:
    """What to show now; `next_query` is the query string of the next page, or None at the end."""

    items: Sequence[Any]
    next_query: str | None


def cut(
    items: Sequence[Any], options: Options, *, size: int, by: Literal["$skip", "$skiptoken"]
) -> Page:
    """The page that `options` asks for, `size` items long."""
    start = offset(options)
    end = start + size
    if end >= len(items):
        return Page(items[start:], None)
    value = str(end) if by == "$skip" else token(end)
    kept = [pair for pair in options.pairs if pair[0].casefold() not in ("$skip", "$skiptoken")]
    return Page(items[start:end], _query((*kept, (by, value))))


def before_first(options: Options) -> Page:
    """An empty page that leads to the first one, as Graph may send at any time."""
    kept = [pair for pair in options.pairs if pair[0].casefold() not in ("$skip", "$skiptoken")]
    return Page((), _query((*kept, ("$skiptoken", token(0)))))


def page_size(options: Options, *, default: int, maximum: int, preferred: int | None) -> int:
    """How many items: `$top` wins over `Prefer: odata.maxpagesize`.

    Raises GraphError 400 outside 1..maximum.
    """
    if options.top is None:
        return min(preferred or default, maximum)
    if options.top == 0:
        raise bad_request(
            "Invalid value '0' for $top query option found. The $top query option requires a "
            "positive integer value."
        )
    if options.top > maximum:
        raise bad_request(
            f"The limit of '{maximum}' for Top query has been exceeded. The value from the "
            f"incoming request is '{options.top}'."
        )
    return options.top


def token(start: int) -> str:
    """The opaque form of an offset."""
    return base64.urlsafe_b64encode(f"{_MARK}{start}".encode()).decode().rstrip("=")


def offset(options: Options) -> int:
    """Where the page starts. Raises GraphError 400 for a token that we did not write."""
    if options.skip_token is None:
        return options.skip
    padded = options.skip_token + "=" * (-len(options.skip_token) % 4)
    try:
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as flaw:
        raise _bad_token() from flaw
    number = text.removeprefix(_MARK)
    if number == text or not number.isdigit() or len(number) > 9:
        raise _bad_token()
    return int(number)


def check_names(names: Iterable[str], known: Iterable[str], entity: str) -> None:
    """Every selected name must be a property of the type. Raises GraphError 400."""
    lowered = {name.casefold() for name in known}
    for name in names:
        if name != "*" and name.casefold() not in lowered:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.{entity}'."
            )


def show(
    full: Mapping[str, Any], names: tuple[str, ...], *, always: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Only the selected properties, in the order of `full`; `always` ones stay in any case."""
    if not names or "*" in names:
        return dict(full)
    wanted = {name.casefold() for name in (*names, *always)}
    return {name: value for name, value in full.items() if name.casefold() in wanted}


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='$@.')}={quote(value, safe='')}" for name, value in pairs)


def _bad_token() -> GraphError:
    return bad_request("The skip token is not valid.")
