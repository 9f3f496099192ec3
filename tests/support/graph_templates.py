"""What msgraph-sdk knows of Graph: URL templates, methods, query names, types of the answers.

Read out of the installed package as text, once per process: importing its builders would take
minutes. `check_request` says whether a request is one that Graph documents.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

_SUBTREES = ("chats", "drives", "planner", "search", "shares", "sites", "users")
_SKIPPED = {"__pycache__", "onenote", "term_store", "term_stores", "workbook"}
_BUILDER = re.compile(r'super\(\).__init__\(request_adapter, "\{\+baseurl\}([^"]*)"')
_CALL = re.compile(
    r"^    async def (get|post|put|patch|delete)\(.*?(?=^    (?:async )?def |\Z)",
    re.MULTILINE | re.DOTALL,
)
_OWN = re.compile(
    r"RequestInformation\(Method\.([A-Z]+), (?:self\.url_template|['\"]\{\+baseurl\}([^'\"]*)['\"])"
)
_RESULT = re.compile(r"\.(send_async|send_collection_async)\(request_info, (\w+)")
_QUERY = re.compile(r"\{[?&]([^}]*)\}|[?&](\$?[\w%]+)=\{[^}]*\}")

# Query names that Graph documents and the SDK's description of it lacks. Sources, in this order:
# "Upload or replace the contents of a driveItem", "Download a file in another format",
# "Search for sites".
_MORE_NAMES = {
    ("PUT", "/drives/{}/items/{}/content"): {"@microsoft.graph.conflictBehavior"},
    ("GET", "/drives/{}/items/{}/content"): {"format"},
    ("GET", "/sites"): {"search"},
}
# Paths that Graph documents and the SDK's description of it lacks; with their query names.
# Sources: "JSON batching", "Download driveItem content", "Get attachment".
_MORE_PATHS = {
    ("POST", "/$batch"): frozenset(),
    ("GET", "/shares/{}/driveItem/content"): frozenset({"format"}),
    ("GET", "/users/{}/messages/{}/attachments/{}/$value"): frozenset(),
}


@dataclass(frozen=True)
class Known:
    """One method of one path. `result` is the module and name of the answer's type, "" for none."""

    names: frozenset[str]
    result: tuple[str, str]
    is_list: bool = False

    def model(self):
        """The typed model of the answer, or None."""
        module, name = self.result
        return getattr(import_module(module), name) if name else None


def check_request(method: str, path: str, query_names: Iterable[str] = ()) -> None:
    """Fail unless Graph documents this request.

    `path` begins below or with `/v1.0`, percent-encoded or not; `query_names` are decoded. Raises
    AssertionError for a path or method that no template has, and for a query name that its
    template does not list.
    """
    known = find_known(method, path)
    assert known is not None, f"no URL template of Graph fits {method} {canonical(path)}"
    strange = sorted(set(query_names) - known.names)
    assert not strange, f"{method} {canonical(path)} has no query parameter {strange}"


def find_known(method: str, path: str) -> Known | None:
    """What is known of a request, or None."""
    wanted = canonical(path)
    for shape in _shapes(wanted):
        found = known_requests().get((method, shape))
        if found is not None:
            return found
    return None


def canonical(path: str) -> str:
    """The path as templates write it: below `/users` and `/drives`, names in place of paths."""
    plain = path.partition("?")[0].removeprefix("/v1.0").strip("/")
    segments = list(_without_colons([unquote(part) for part in plain.split("/")]))
    if segments[0] == "me":
        segments[:1] = ["users", "me"]
    if segments[:1] == ["users"] and segments[2:3] == ["drive"] and len(segments) > 3:
        segments[:3] = ["drives", "mine"]
    if segments[:1] == ["drives"] and segments[2:3] == ["root"] and segments[3:]:
        segments[2:3] = ["items", "root"]
    return "/" + "/".join(segment.replace("/", "%2F") for segment in segments)


def _without_colons(segments: list[str]) -> Iterator[str]:
    """`root:/a/b:/children` as `items/root/children`, `items/1:/a:` as `items/1`, sites alike."""
    inside, before = False, ""
    for segment in segments:
        if inside:
            inside = not segment.endswith(":")
            continue
        name, colon, path = segment.partition(":")
        if colon and (name == "root" or before in ("items", "sites")):
            yield from ("items", name) if name == "root" else (name,)
            inside = not path.endswith(":")
        else:
            yield segment
        before = segment


@lru_cache(maxsize=4096)
def _shapes(path: str) -> tuple[str, ...]:
    """The templates' shapes that could be meant, those with the most literal segments first."""
    segments = path.strip("/").split("/")
    literal = _literals()
    options: list[tuple[str, ...]] = []
    for segment in segments:
        call = re.fullmatch(r"(\w+)\((?:(\w+)='.*')?\)", segment, re.DOTALL)
        if call:
            given = f"{call[2]}='{{}}'" if call[2] else ""
            options.append((f"{call[1]}({given})",))
        else:
            options.append((segment, "{}") if segment in literal else ("{}",))
    shapes = [""]
    for choice in options:
        shapes = [f"{shape}/{each}" for shape in shapes for each in choice]
    return tuple(sorted(shapes, key=lambda shape: shape.count("{}")))


@lru_cache(maxsize=1)
def _literals() -> frozenset[str]:
    return frozenset(
        segment
        for _, shape in known_requests()
        for segment in shape.strip("/").split("/")
        if "{" not in segment
    )


@lru_cache(maxsize=1)
def known_requests() -> dict[tuple[str, str], Known]:
    """All requests of the subtrees we touch, by method and shape: `/users/{}/messages`."""
    found: dict[tuple[str, str], Known] = {}
    for file in _builders():
        for method, template, result, is_list in _read(file):
            shape, names = _split(template)
            found[method, shape] = Known(names, result, is_list)
    for (method, shape), more in _MORE_NAMES.items():
        known = found[method, shape]
        found[method, shape] = Known(known.names | more, known.result, known.is_list)
    for key, names in _MORE_PATHS.items():
        found.setdefault(key, Known(frozenset(names), ("", "")))
    return found


def _builders() -> Iterator[Path]:
    package = find_spec("msgraph")
    assert package is not None
    assert package.submodule_search_locations
    root = Path(package.submodule_search_locations[0]) / "generated"
    waiting = [root / name for name in _SUBTREES]
    while waiting:
        for entry in waiting.pop().iterdir():
            if entry.name.endswith("_request_builder.py"):
                yield entry
            elif "." not in entry.name and entry.name not in _SKIPPED:
                waiting.append(entry)


def _read(file: Path) -> Iterator[tuple[str, str, tuple[str, str], bool]]:
    text = file.read_text(encoding="utf-8")
    builder = _BUILDER.search(text)
    if builder is None:
        return
    results = {call[1].upper(): _result(call[0], file) for call in _CALL.finditer(text)}
    for own in _OWN.finditer(text):
        result, is_list = results.get(own[1], (("", ""), False))
        yield own[1], own[2] or builder[1], result, is_list


def _result(call: str, file: Path) -> tuple[tuple[str, str], bool]:
    sent = _RESULT.search(call)
    if sent is None:
        return ("", ""), False
    source = re.search(rf"from (\.+)([\w.]+) import {sent[2]}\n", call)
    assert source is not None, f"{file.name}: where does {sent[2]} come from?"
    package = file.parent
    for _ in range(len(source[1]) - 1):
        package = package.parent
    parts = package.parts[len(package.parts) - package.parts[::-1].index("msgraph") - 1 :]
    module = f"{'.'.join(parts)}.{source[2]}"
    return (module, sent[2]), sent[1] == "send_collection_async"


def _split(template: str) -> tuple[str, frozenset[str]]:
    """The shape of a template, and the names of its query parameters."""
    text = unquote(template)
    names: set[str] = set()
    for listed, single in _QUERY.findall(text):
        names |= {name.strip("*") for name in (listed or single).split(",")}
    path = re.split(r"\{\?|\?", text, maxsplit=1)[0]
    return re.sub(r"\{[^}]*\}", "{}", path), frozenset(names)
