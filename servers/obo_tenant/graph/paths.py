"""From the raw path of a request to an operation and its variables.

Segments are decoded after splitting, so a percent-encoded slash never makes a new one. OneDrive's
`root:/a/b.txt:/children` becomes the segments `root`, `:`, `a/b.txt`, `children`, whether it came
in clear or percent-encoded, as the SDK sends it; `search(q='x')` becomes `search()` and `x`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from obo_tenant.graph.errors import GraphError, method_not_allowed, unknown_segment
from obo_tenant.graph.visit import Operation

_SEARCH = re.compile(r"search\(q='(.*)'\)", re.IGNORECASE | re.DOTALL)
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Target:
    """The operation that was meant, and whose it is (`person` None: the caller's own)."""

    operation: Operation
    variables: Mapping[str, str]
    person: str | None


def split_path(raw_path: str) -> tuple[str, ...]:
    """The decoded segments of a raw path below `/v1.0/`."""
    segments = [unquote(part) for part in raw_path.split("/") if part]
    result: list[str] = []
    at = 0
    while at < len(segments):
        segment = segments[at]
        at += 1
        search = _SEARCH.fullmatch(segment)
        if search:
            result += ["search()", search[1].replace("''", "'")]
            continue
        name, path = _colon(segment, result)
        if path is None:
            result.append(segment)
            continue
        while not path.endswith(":") and at < len(segments):
            path = f"{path}/{segments[at]}"
            at += 1
        result += [name, ":", path.removesuffix(":").strip("/")]
    return tuple(result)


def _colon(segment: str, before: list[str]) -> tuple[str, str | None]:
    name, colon, rest = segment.partition(":")
    rooted = name.casefold() == "root" or (before and before[-1].casefold() in ("items", "sites"))
    return (name, rest) if colon and rooted else (segment, None)


def find_target(method: str, segments: tuple[str, ...], operations: Iterable[Operation]) -> Target:
    """Match segments and method. Raises GraphError 400 for no such path, 405 for no such verb."""
    person = None
    if segments and segments[0].casefold() == "users" and len(segments) > 1:
        person, segments = segments[1], ("me", *segments[2:])
    reached, verb_differs = 0, False
    for operation in operations:
        variables, length = _match(operation.pattern, segments)
        if variables is not None and operation.method == method:
            return Target(operation, variables, person)
        verb_differs = verb_differs or variables is not None
        reached = max(reached, length)
    if verb_differs:
        raise method_not_allowed()
    raise unknown_segment(segments[min(reached, len(segments) - 1)] if segments else "")


def _match(
    pattern: tuple[str, ...], segments: tuple[str, ...]
) -> tuple[dict[str, str] | None, int]:
    variables: dict[str, str] = {}
    for at, (wanted, found) in enumerate(zip(pattern, segments, strict=False)):
        if wanted.startswith("{"):
            if found == ":" or (len(found) > _LONGEST and wanted != "{path}"):
                return None, at
            variables[wanted[1:-1]] = found
        elif wanted.casefold() != found.casefold():
            return None, at
    same = len(pattern) == len(segments)
    return (variables if same else None), min(len(pattern), len(segments))


def loggable(method: str, segments: tuple[str, ...], operations: tuple[Operation, ...]) -> str:
    """The path for the request log: what was asked for, never the words that people chose.

    A path we have is shown by its pattern; of any other only the first segment, if we know it.
    """
    try:
        target = find_target(method, segments, operations)
    except GraphError:
        known = {operation.pattern[0] for operation in operations} | {"users"}
        first = segments[0].casefold() if segments else ""
        return f"/v1.0/{first}/..." if first in known else "/v1.0/..."
    return shown_path(target)


def shown_path(target: Target) -> str:
    """The pattern that was met, with `{names}` where people's words were."""
    pattern = target.operation.pattern
    shown = pattern if target.person is None else ("users", "{user}", *pattern[1:])
    return "/v1.0/" + "/".join(shown)
