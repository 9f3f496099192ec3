"""A `searchRequest`, read and checked. Source: Graph "searchRequest" resource type, its limits."""

from dataclasses import dataclass
from typing import Any

from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.visit import Visit
from obo_tenant.plain_json import read_json

SCOPES = {
    "driveitem": ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"),
    "listitem": ("Sites.Read.All", "Sites.ReadWrite.All"),
    "site": ("Sites.Read.All", "Sites.ReadWrite.All"),
    "message": ("Mail.Read", "Mail.ReadWrite"),
    "event": ("Calendars.Read", "Calendars.ReadWrite"),
    "chatmessage": ("Chat.Read", "Chat.ReadWrite", "ChannelMessage.Read.All"),
}
_TOGETHER = frozenset({"driveitem", "listitem", "site"})
_MOST = {"message": 25, "event": 25}
_MEMBERS = frozenset(
    [
        "entityTypes",
        "query",
        "from",
        "size",
        "fields",
        "sortProperties",
        "enableTopResults",
        "aggregations",
        "aggregationFilters",
        "contentSources",
        "queryAlterationOptions",
        "resultTemplateOptions",
        "trimDuplicates",
        "sharePointOneDriveOptions",
        "region",
        "collapseProperties",
        "@odata.type",
    ]
)


@dataclass(frozen=True, slots=True)
class Question:
    """One searchRequest: which kinds of things, what words, which page."""

    entities: tuple[str, ...]
    text: str
    start: int
    size: int


def read_question(visit: Visit) -> Question:
    """The one request of the body. Raises GraphError 400, and 403 for a missing scope."""
    try:
        (request,) = read_json(visit.body)["requests"]
        kinds = [str(each).casefold() for each in request["entityTypes"]]
        text = request["query"]["queryString"]
        start, size = request.get("from", 0), request.get("size", 25)
    except (ValueError, KeyError, TypeError, AttributeError) as flaw:
        raise bad_request(
            "Invalid search request: one request with entity types and a queryString is needed."
        ) from flaw
    _check_members(request)
    _check_kinds(kinds)
    if not isinstance(text, str) or not _is_count(start) or not _is_count(size):
        raise bad_request("Invalid search request: wrong type of queryString, from or size.")
    largest = min(_MOST.get(kind, 1000) for kind in kinds)
    if not 1 <= size <= largest:
        raise bad_request(f"The size must be between 1 and {largest} for {', '.join(kinds)}.")
    for kind in kinds:
        _check_scope(visit, kind)
    return Question(tuple(dict.fromkeys(kinds)), text, start, size)


def _check_members(request: dict[str, Any]) -> None:
    for name in request:
        if name not in _MEMBERS:
            raise bad_request(
                f"The property '{name}' does not exist on type 'microsoft.graph.searchRequest'."
            )


def _check_kinds(kinds: list[str]) -> None:
    for kind in kinds:
        if kind not in SCOPES:
            raise bad_request(f"The entity type '{kind}' is not supported.")
    if not kinds or (len(set(kinds)) > 1 and not _TOGETHER.issuperset(kinds)):
        raise bad_request("This combination of entity types is not supported.")


def _check_scope(visit: Visit, kind: str) -> None:
    needed = SCOPES[kind]
    if not visit.may(*needed):
        raise GraphError(
            403,
            "Forbidden",
            f"Access to {kind} in Graph API requires the following permissions: "
            f"{' or '.join(needed)}. However, the application only has the following permissions "
            f"granted: {', '.join(sorted(visit.scopes))}",
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000_000
