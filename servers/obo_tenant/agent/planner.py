"""Stands where the model would be: turns a request into tool calls, always the same way.

It reads the tools' own input schemas, so a tool may rename its parameters within reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from obo_tenant.plain_json import read_json

_READ = re.compile(r"\b(read|open|summari[sz]e|show me what)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“]([^\"”]{1,200})[\"”]")
_ABOUT = re.compile(r"\b(?:about|called|named|titled)\s+([^,.;?!]{1,200})", re.IGNORECASE)
_TAIL = re.compile(r"\s+(?:and|then)\s+(?:read|open|summari[sz]e)\b.*", re.IGNORECASE | re.DOTALL)


class BadRequest(Exception):
    """The request's input cannot be understood; the text says what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One tool call, and the tool that is to read its first hit, if any."""

    tool: str
    arguments: Mapping[str, Any]
    then_read: str | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    words: re.Pattern[str]
    tool: str
    reader: str | None = None


_SUBJECTS = (
    _Subject(re.compile(r"\bwho\s*am\s*i\b", re.IGNORECASE), "whoami"),
    _Subject(
        re.compile(r"\b(calendar|meetings?|appointments?|agenda|schedule)\b", re.IGNORECASE),
        "calendar_view",
    ),
    _Subject(
        re.compile(r"\b(files?|documents?|onedrive|folders?)\b", re.IGNORECASE),
        "files_search",
        "files_read",
    ),
    _Subject(
        re.compile(r"\b(e-?mails?|mails?|inbox|messages?)\b", re.IGNORECASE),
        "mail_search",
        "mail_read",
    ),
)
_QUERY: tuple[str, ...] = ("query", "search", "text", "q")
_START = ("start", "start_time", "from_time", "after")
_END = ("end", "end_time", "to_time", "before")


def first_step(question: str, now: float, schemas: Mapping[str, Mapping[str, Any]]) -> Step | None:
    """The call the request asks for, or None when it names nothing we know.

    `schemas` maps the names of the listed tools to their input schemas; `now` is in Unix seconds.
    Raises as `spelled_out` does.
    """
    named = spelled_out(question)
    if named is not None:
        return named
    subject = next((one for one in _SUBJECTS if one.words.search(question)), None)
    if subject is None:
        return None
    wants_reading = subject.reader is not None and _READ.search(question) is not None
    arguments = _arguments(subject.tool, question, now, schemas.get(subject.tool, {}))
    return Step(
        tool=subject.tool,
        arguments=arguments,
        then_read=subject.reader if wants_reading else None,
    )


def spelled_out(question: str) -> Step | None:
    """The call that a JSON input names itself; None when the input is ordinary words.

    Raises:
        BadRequest: the input begins like JSON but is not `{"tool": ..., "arguments": ...}`.
    """
    if not question.lstrip().startswith("{"):
        return None
    try:
        wish = read_json(question)
    except ValueError:
        raise BadRequest("input begins like JSON but cannot be read as JSON.") from None
    tool, arguments = wish.get("tool"), wish.get("arguments", {})
    if not isinstance(tool, str) or not isinstance(arguments, dict):
        raise BadRequest('A JSON input has the shape {"tool": "name", "arguments": {...}}.')
    return Step(tool=tool, arguments=arguments)


def reading_step(tool: str, schema: Mapping[str, Any], found: Any) -> Step | None:
    """The call that reads the first hit in a search's structured result; None without one."""
    required = [name for name in schema.get("required", ()) if isinstance(name, str)]
    hit = _first_hit(found)
    if hit is None or not required:
        return None
    names = (required[0], "id", "ref", "item", "uri")
    value = next((hit[name] for name in names if isinstance(hit.get(name), str)), None)
    return None if value is None else Step(tool=tool, arguments={required[0]: value})


def _arguments(
    tool: str, question: str, now: float, schema: Mapping[str, Any]
) -> Mapping[str, Any]:
    if tool == "whoami":
        return {}
    wanted = [(_QUERY, _search_text(question))]
    if tool == "calendar_view":
        today = datetime.fromtimestamp(now, UTC)
        wanted = [(_START, _stamp(today)), (_END, _stamp(today + timedelta(days=7)))]
    known = schema.get("properties", {})
    named = ((next((n for n in names if n in known), None), value) for names, value in wanted)
    return {name: value for name, value in named if name is not None and value}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _search_text(question: str) -> str:
    match = _QUOTED.search(question) or _ABOUT.search(question)
    return _TAIL.sub("", match.group(1)).strip() if match else ""


def _first_hit(found: Any) -> Mapping[str, Any] | None:
    """The first object of the first list of objects, looking through one level of wrapping."""
    lists = found.values() if isinstance(found, dict) else [found]
    for candidate in lists:
        if isinstance(candidate, list) and candidate and isinstance(candidate[0], dict):
            return candidate[0]
    return None
