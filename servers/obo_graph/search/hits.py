"""What Microsoft Search answers (Graph, "searchResponse", "searchHit"), as rows for a model."""

import re
from collections.abc import Callable
from datetime import tzinfo
from types import MappingProxyType
from typing import Literal

from obo_graph.shape.paging import objects
from obo_graph.shape.recipients import written
from obo_graph.shape.result import compact
from obo_graph.shape.times import read, read_zoned, show
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json

Kind = Literal["mail", "event", "file", "site", "chat"]

_MARKS = re.compile(r"</?c0>|<ddd\s*/>")
_TITLE_BYTES, _SNIPPET_BYTES, _ID_BYTES = 128, 200, 512


def hits_of(answer: Json) -> tuple[list[Json], bool]:
    """The hits in an answer, and whether there are more of them."""
    containers = [
        container
        for response in objects(answer.get("value"))
        for container in objects(response.get("hitsContainers"))
    ]
    hits = [hit for container in containers for hit in objects(container.get("hits"))]
    return hits, any(container.get("moreResultsAvailable") is True for container in containers)


def row_of(kind: Kind, hit: Json, zone: tzinfo) -> Json:
    """One hit: its kind, what to open it by, title, date and snippet."""
    resource = _inner(hit, "resource")
    summary = hit.get("summary")
    words = _MARKS.sub("", clean(summary[: 8 * _SNIPPET_BYTES])) if isinstance(summary, str) else ""
    snippet = one_line(words, _SNIPPET_BYTES)
    return compact({"type": kind, **_ROWS[kind](hit, resource, zone), "snippet": snippet})


def _mail(hit: Json, resource: Json, zone: tzinfo) -> Json:
    return {
        "id": one_line(hit.get("hitId"), _ID_BYTES),
        "title": one_line(resource.get("subject"), _TITLE_BYTES),
        "from": written(resource.get("from")),
        "date": show(read(resource.get("receivedDateTime")), zone),
    }


def _event(hit: Json, resource: Json, zone: tzinfo) -> Json:
    return {
        "id": one_line(hit.get("hitId"), _ID_BYTES),
        "title": one_line(resource.get("subject"), _TITLE_BYTES),
        "date": show(read_zoned(resource.get("start")) or read(resource.get("start")), zone),
    }


def _file(_hit: Json, resource: Json, zone: tzinfo) -> Json:
    drive, item = _inner(resource, "parentReference").get("driveId"), resource.get("id")
    return {
        "ref": one_line(f"{drive}/{item}", _ID_BYTES) if drive and item else "",
        "title": one_line(resource.get("name"), _TITLE_BYTES),
        "date": show(read(resource.get("lastModifiedDateTime")), zone),
    }


def _site(_hit: Json, resource: Json, zone: tzinfo) -> Json:
    return {
        "url": one_line(resource.get("webUrl"), _ID_BYTES),
        "title": one_line(resource.get("displayName") or resource.get("name"), _TITLE_BYTES),
        "date": show(read(resource.get("lastModifiedDateTime")), zone),
    }


def _chat(hit: Json, resource: Json, zone: tzinfo) -> Json:
    sender = _inner(resource, "from")
    return {
        "id": one_line(hit.get("hitId"), _ID_BYTES),
        "chat_id": one_line(resource.get("chatId"), _ID_BYTES),
        "channel": bool(_inner(resource, "channelIdentity").get("channelId")),
        "title": one_line(resource.get("subject"), _TITLE_BYTES),
        "from": written(sender) or one_line(_inner(sender, "user").get("displayName"), 64),
        "date": show(read(resource.get("createdDateTime")), zone),
    }


def _inner(value: Json, name: str) -> Json:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


_ROWS: MappingProxyType[Kind, Callable[[Json, Json, tzinfo], Json]] = MappingProxyType(
    {"mail": _mail, "event": _event, "file": _file, "site": _site, "chat": _chat}
)
