"""`POST /search/query` for files, mail and events, with the nested answer of the real one.

Source: Graph "search: query", "searchResponse", "searchHitsContainer", "searchHit".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.calendar import EventWords
from obo_tenant.graph.calendar_view import event_json
from obo_tenant.graph.drive import ItemWords
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.drive_view import DOWNLOAD_URL
from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.mail_fields import MESSAGE_VOCABULARY
from obo_tenant.graph.mail_view import message_json
from obo_tenant.graph.odata.kql import Search, Vocabulary, parse_kql
from obo_tenant.graph.visit import Operation, Visit, json_response, operations
from obo_tenant.plain_json import read_json

FILE_VOCABULARY = Vocabulary(
    words={
        "filename": "name",
        "title": "name",
        "name": "name",
        "filetype": "type",
        "fileextension": "type",
        "author": "author",
        "createdby": "author",
        "modifiedby": "author",
        "path": "path",
        "content": "text",
    },
    flags={"isdocument": "isdocument"},
    moments={"lastmodifiedtime": "modified", "lastmodified": "modified", "created": "created"},
)
EVENT_VOCABULARY = Vocabulary(
    words={
        "subject": "subject",
        "body": "body",
        "location": "location",
        "organizer": "people",
        "attendees": "people",
        "participants": "people",
    },
    flags={"isallday": "isallday"},
    moments={"start": "start", "end": "end"},
)
_SCOPES = {
    "driveitem": ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"),
    "message": ("Mail.Read", "Mail.ReadWrite"),
    "event": ("Calendars.Read", "Calendars.ReadWrite"),
}
_MESSAGE_SHOWN = [
    "createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime", "hasAttachments",
    "subject", "bodyPreview", "importance", "internetMessageId", "parentFolderId", "conversationId",
    "isRead", "isDraft", "webLink", "sender", "from", "replyTo",
]  # fmt: skip
_EVENT_SHOWN = [
    "subject", "bodyPreview", "start", "end", "isAllDay", "location", "organizer", "type",
    "hasAttachments", "sensitivity", "webLink", "iCalUId",
]  # fmt: skip
_SNIPPET = 200


@dataclass(frozen=True, slots=True)
class Question:
    """One searchRequest."""

    entity: str
    text: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One found thing, before it is cut to a page."""

    hit_id: str
    text: str
    resource: Callable[[], dict[str, Any]]


def search_operations(drives: DriveRoutes) -> tuple[Operation, ...]:
    """The one path; scopes depend on the entity type and are checked inside."""
    answer = SearchRoutes(drives).query
    return operations("search", "", ("query", answer), below="search", method="POST")


@dataclass(frozen=True, slots=True)
class SearchRoutes:
    """The endpoint; file hits come from the drive's own view."""

    drives: DriveRoutes

    def query(self, visit: Visit) -> Response:
        """Answer one searchRequest with one hits container."""
        question = _question(visit.body)
        _check_scopes(visit, question.entity)
        found, search = self._hits(visit, question)
        end = question.start + question.size
        hits = [
            {
                "hitId": hit.hit_id,
                "rank": rank,
                "summary": _summary(hit.text, search.terms),
                "resource": hit.resource(),
            }
            for rank, hit in enumerate(found[question.start : end], question.start + 1)
        ]
        container = {
            "hits": hits,
            "total": len(found),
            "moreResultsAvailable": end < len(found),
        }
        if not hits:
            del container["hits"]
        terms = [word for term in search.terms for word in term.casefold().split()]
        return json_response(
            {
                "value": [{"searchTerms": terms, "hitsContainers": [container]}],
                "@odata.context": visit.context("Collection(microsoft.graph.searchResponse)"),
            }
        )

    def _hits(self, visit: Visit, question: Question) -> tuple[list[Hit], Search]:
        if question.entity == "driveitem":
            search = parse_kql(question.text, FILE_VOCABULARY)
            return self._files(visit, search), search
        if question.entity == "message":
            search = parse_kql(question.text, MESSAGE_VOCABULARY)
            return _mails(visit, search), search
        search = parse_kql(question.text, EVENT_VOCABULARY)
        return _events(visit, search), search

    def _files(self, visit: Visit, search: Search) -> list[Hit]:
        drive = visit.owner.drive

        def resource_of(item: Any) -> Callable[[], dict[str, Any]]:
            def resource() -> dict[str, Any]:
                full = self.drives.full(visit, item, drive)
                full.pop(DOWNLOAD_URL, None)
                return {"@odata.type": "#microsoft.graph.driveItem", **full}

            return resource

        return [
            Hit(item.item_id, item.text or item.name, resource_of(item))
            for item in drive.items
            if search.matches(ItemWords(item, drive.path_of(item)))
        ]


def _mails(visit: Visit, search: Search) -> list[Hit]:
    box = visit.owner.mailbox

    def resource_of(mail: Any) -> Callable[[], dict[str, Any]]:
        return lambda: _part("message", message_json(mail, box, visit.prefer), _MESSAGE_SHOWN)

    return [
        Hit(mail.ids.pick(immutable=visit.prefer.immutable_ids), mail.body.text, resource_of(mail))
        for mail in box.messages
        if search.matches(box.words(mail))
    ]


def _events(visit: Visit, search: Search) -> list[Hit]:
    def resource_of(event: Any) -> Callable[[], dict[str, Any]]:
        return lambda: _part("event", event_json(event, visit.prefer), _EVENT_SHOWN)

    return [
        Hit(
            event.ids.pick(immutable=visit.prefer.immutable_ids),
            event.body.text,
            resource_of(event),
        )
        for event in visit.owner.calendars[0].events
        if event.kind != "occurrence" and search.matches(EventWords(event))
    ]


def _part(entity: str, full: dict[str, Any], names: list[str]) -> dict[str, Any]:
    shown = {name: full[name] for name in names}
    return {"@odata.type": f"#microsoft.graph.{entity}", **shown}


def _check_scopes(visit: Visit, entity: str) -> None:
    needed = _SCOPES[entity]
    if not visit.may(*needed):
        raise GraphError(
            403,
            "Forbidden",
            f"Access to {entity} in Graph API requires the following permissions: "
            f"{' or '.join(needed)}. However, the application only has the following permissions "
            f"granted: {', '.join(sorted(visit.scopes))}",
        )


def _question(body: bytes) -> Question:
    try:
        parsed = read_json(body)
        (request,) = parsed["requests"]
        (entity,) = request["entityTypes"]
        text = request["query"]["queryString"]
        start, size = request.get("from", 0), request.get("size", 25)
    except (ValueError, KeyError, TypeError, AttributeError) as flaw:
        raise bad_request(
            "Invalid search request: one request with one entity type and a queryString is needed."
        ) from flaw
    kind = str(entity).casefold()
    if kind not in _SCOPES:
        raise bad_request(f"The entity type '{entity}' is not supported.")
    if not isinstance(text, str) or not _is_count(start) or not _is_count(size):
        raise bad_request("Invalid search request: wrong type of queryString, from or size.")
    largest = 1000 if kind == "driveitem" else 25
    if not 1 <= size <= largest:
        raise bad_request(f"The size must be between 1 and {largest} for {entity}.")
    return Question(kind, text, start, size)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000_000


def _summary(text: str, terms: tuple[str, ...]) -> str:
    flat = " ".join(text.split())
    words = [re.escape(term) for term in terms if term]
    pattern = re.compile("|".join(words) or r"(?!)", re.IGNORECASE)
    first = pattern.search(flat)
    start = max((first.start() if first else 0) - _SNIPPET // 4, 0)
    shown = pattern.sub(lambda found: f"<c0>{found.group()}</c0>", flat[start : start + _SNIPPET])
    return f"{shown}<ddd/>" if len(flat) > start + _SNIPPET else shown
