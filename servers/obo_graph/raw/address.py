"""A path and a query that a model wrote, as a request that stays where it may go.

Nothing of theirs reaches the wire as it stands: both are taken apart, checked piece by piece, and
put together again. OData "URL conventions"; RFC 3986 for what has a meaning in a path.
"""

import re
from types import MappingProxyType
from urllib.parse import quote, unquote

from obo_graph.errors import bad_argument

_AREAS = frozenset({"me", "users", "groups", "sites", "drives", "chats", "planner"})
_BAD_IN_PATH = re.compile(
    r"[\x00-\x20\x7f-\xa0%?#$\\;<>\"^`{|}&\u2000-\u206f\ud800-\udfff\ufe00-\uffff]|\.\."
)
_PATH_SAFE = "!'()*,:=@~"
# Raw bytes, addresses that open by themselves, and an endless stream of changes.
_NOT_SERVED = frozenset({"content", "contentstream", "thumbnails", "delta", "search"})
_OPTIONS = frozenset(
    {"$select", "$filter", "$expand", "$orderby", "$top", "$search", "$count"}
    | {"startDateTime", "endDateTime"}
)
_MOST_OPTIONS = 9
_MOST_SEGMENTS = 16
MOST_ROWS = 25
"""How many rows of a list are asked for, and shown."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_WORD = re.compile(r"[A-Za-z]+")
_COLLECTIONS = frozenset(
    {"calendarview", "children", "people", "memberof", "transitivememberof", "special"}
)
_SINGLE = frozenset({"mailboxsettings", "settings", "details", "analytics", "authentications"})
_DIRECTORY = frozenset({"users", "groups"})
_DIRECTORY_PARTS = frozenset(
    {"memberof", "transitivememberof", "members", "owners", "directreports", "transitivemembers"}
)
_EVENTUAL = MappingProxyType({"ConsistencyLevel": "eventual"})


def segments_of(path: str) -> list[str]:
    """The segments of `path`, as they are meant.

    Raises:
        ToolError: it leads anywhere but to what the server allows.
    """
    segments = path.removeprefix("/").split("/")
    if segments[0] not in _AREAS:
        raise bad_argument("path", f"must begin with one of {', '.join(sorted(_AREAS))}")
    if len(segments) > _MOST_SEGMENTS:
        raise bad_argument("path", f"must have at most {_MOST_SEGMENTS} parts")
    for segment in segments:
        if not segment.strip(".") or _BAD_IN_PATH.search(segment):
            raise bad_argument(
                "path",
                "must be plain parts between single slashes: no dots alone, no %, $, ?, blanks; "
                "options go into query",
            )
        if _NOT_SERVED.intersection(_names_in(segment)):
            raise bad_argument("path", "asks for content, changes or a search; use another tool")
    return segments


def _names_in(segment: str) -> list[str]:
    """What a segment may be the name of: `delta` for `microsoft.graph.delta()`."""
    parts = [part.partition("(")[0] for part in segment.lower().split(":")]
    # `graph.delta()` and `oneDrive.search()` are names of theirs too.
    return [part.rpartition(".")[2] for part in parts]


def path_of(segments: list[str]) -> str:
    """The path for checked segments, percent-encoded."""
    return "".join(f"/{quote(segment, safe=_PATH_SAFE)}" for segment in segments)


def options_of(query: str) -> dict[str, str]:
    """The options in `query` (`name=value&name=value`).

    Raises:
        ToolError: one is not allowed, given twice, or malformed.
    """
    parts = [part for part in query.removeprefix("?").split("&") if part]
    if len(parts) > _MOST_OPTIONS:
        raise bad_argument("query", f"must have at most {_MOST_OPTIONS} options")
    options: dict[str, str] = {}
    for part in parts:
        name, value = _option(part)
        if name in options:
            raise bad_argument("query", f"gives {name} twice")
        options[name] = value
    if "$top" in options:
        options["$top"] = _top(options["$top"])
    return options


def is_list(segments: list[str]) -> bool:
    """Whether the path looks like a list, so that `$top` may be asked for.

    Its last part is a plural that is no key, as `drafts` is one in `mailFolders/drafts`, and no
    name in a path of files (`root:/Reports`). Planner takes no `$top`. A list that is not seen as
    one is cut here, not by Graph.
    """
    in_a_file_path = sum(segment.endswith(":") for segment in segments[:-1]) % 2
    return "planner" not in segments and not in_a_file_path and _has_keys(segments)


def headers_of(segments: list[str], options: dict[str, str]) -> dict[str, str]:
    """What the directory wants beside `$search` and `$count` (Graph, "Advanced query")."""
    directory = segments[0] in _DIRECTORY or segments[-1].lower() in _DIRECTORY_PARTS
    return dict(_EVENTUAL) if directory and {"$search", "$count"} & options.keys() else {}


def _option(part: str) -> tuple[str, str]:
    written, _, given = part.partition("=")
    # Not unquote_plus: the + of an offset would become a blank.
    name, value = unquote(written), unquote(given)
    if name not in _OPTIONS:
        raise bad_argument("query", f"may hold these options only: {', '.join(sorted(_OPTIONS))}")
    if not value.strip() or _CONTROL.search(value):
        raise bad_argument("query", f"holds no usable value for {name}")
    return name, value


def _top(value: str) -> str:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= MOST_ROWS):
        raise bad_argument("query", f"$top must be 1 to {MOST_ROWS}; for more rows pass cursor")
    return str(int(value))


def _has_keys(segments: list[str]) -> bool:
    """Whether what comes behind these segments is a key: behind a key it is a list again."""
    listed = False
    for segment in segments:
        name = segment.lower()
        plural = name in _COLLECTIONS or (name.endswith("s") and name not in _SINGLE)
        listed = not listed and plural and bool(_WORD.fullmatch(name))
    return listed
