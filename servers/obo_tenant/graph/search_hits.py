"""What a search finds, for each kind of thing. Source: Graph "searchHit", "Search API overview"."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from obo_tenant.graph.calendar import Event, EventWords
from obo_tenant.graph.calendar_view import event_json
from obo_tenant.graph.chat_view import message_json as chat_message_json
from obo_tenant.graph.chat_words import MessageWords, as_plain_text
from obo_tenant.graph.chats import Chat, ChatMessage, Chats
from obo_tenant.graph.drive import ItemWords
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.drive_view import DOWNLOAD_URL, site_json
from obo_tenant.graph.mail_fields import MESSAGE_VOCABULARY
from obo_tenant.graph.mail_view import message_json
from obo_tenant.graph.mailbox import Message
from obo_tenant.graph.odata.kql import Search, Vocabulary, parse_kql
from obo_tenant.graph.reach import Place
from obo_tenant.graph.sites import Site, SiteWords
from obo_tenant.graph.visit import Visit

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
CHAT_VOCABULARY = Vocabulary(words={"from": "from"}, moments={"sent": "sent", "received": "sent"})
SITE_VOCABULARY = Vocabulary(words={"title": "title", "path": "path", "url": "path"})
_MESSAGE_SHOWN = [
    "createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime", "hasAttachments",
    "subject", "bodyPreview", "importance", "internetMessageId", "parentFolderId", "conversationId",
    "isRead", "isDraft", "webLink", "sender", "from", "replyTo",
]  # fmt: skip
_EVENT_SHOWN = [
    "subject", "bodyPreview", "start", "end", "isAllDay", "location", "organizer", "type",
    "hasAttachments", "sensitivity", "webLink", "iCalUId",
]  # fmt: skip

_CHAT_SHOWN = [
    "id", "etag", "createdDateTime", "lastModifiedDateTime", "subject", "importance", "from",
    "chatId", "webUrl",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """One found thing, before it is cut to a page."""

    hit_id: str
    text: str
    resource: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds things of each kind for a caller; file hits come from the drive's own view."""

    drives: DriveRoutes
    chats: Chats | None = None

    def find(self, visit: Visit, kind: str, text: str) -> tuple[list[Hit], Search]:
        """All hits, best first, and the parsed search. Raises GraphError 400 for bad KQL."""
        find, vocabulary = {
            "driveitem": (self._files, FILE_VOCABULARY),
            "listitem": (self._list_items, FILE_VOCABULARY),
            "site": (self._sites, SITE_VOCABULARY),
            "message": (_mails, MESSAGE_VOCABULARY),
            "event": (_events, EVENT_VOCABULARY),
            "chatmessage": (self._chat_messages, CHAT_VOCABULARY),
        }[kind]
        search = parse_kql(text, vocabulary)
        return list(find(visit, search)), search

    def _files(self, visit: Visit, search: Search) -> Iterator[Hit]:
        for place in self._matching(visit, search):
            text = place.item.text or place.item.name
            yield Hit(place.item.item_id, text, partial(self._file, visit, place))

    def _list_items(self, visit: Visit, search: Search) -> Iterator[Hit]:
        for place in self._matching(visit, search):
            if place.drive.is_library:
                text = place.item.text or place.item.name
                yield Hit(place.item.item_id, text, partial(self._list_item, visit, place))

    def _matching(self, visit: Visit, search: Search) -> Iterator[Place]:
        for place in self.drives.reach.everywhere(visit):
            path = f"{unquote(place.drive.web_url)}/{place.drive.path_of(place.item)}"
            if search.matches(ItemWords(place.item, path)):
                yield place

    def _file(self, visit: Visit, place: Place) -> dict[str, Any]:
        full = self.drives.full(visit, place.item, place.drive)
        full.pop(DOWNLOAD_URL, None)
        return {"@odata.type": "#microsoft.graph.driveItem", **full}

    def _list_item(self, visit: Visit, place: Place) -> dict[str, Any]:
        full = self._file(visit, place)
        names = [
            "id",
            "createdDateTime",
            "lastModifiedDateTime",
            "webUrl",
            "createdBy",
            "lastModifiedBy",
        ]
        shown = {name: full[name] for name in names}
        return {"@odata.type": "#microsoft.graph.listItem", **shown}

    def _sites(self, visit: Visit, search: Search) -> Iterator[Hit]:
        for site in self.drives.reach.sites.of(visit.owner.profile.company):
            if search.matches(SiteWords(site)):
                yield Hit(site.site_id, site.description, partial(_site, site))

    def _chat_messages(self, visit: Visit, search: Search) -> Iterator[Hit]:
        for chat in self.chats.of(visit.owner.profile) if self.chats else ():
            for message in chat.messages:
                text = as_plain_text(message)
                if not message.deleted and search.matches(MessageWords(message, text)):
                    yield Hit(str(message.number), text, partial(_chat_message, chat, message))


def _site(site: Site) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.site", **site_json(site)}


def _chat_message(chat: Chat, message: ChatMessage) -> dict[str, Any]:
    full = chat_message_json(chat, message, new_kinds=False)
    return _part("chatMessage", full, [name for name in _CHAT_SHOWN if name in full])


def _mails(visit: Visit, search: Search) -> Iterator[Hit]:
    box = visit.owner.mailbox
    for mail in box.messages:
        if search.matches(box.words(mail)):
            hit_id = mail.ids.pick(immutable=visit.prefer.immutable_ids)
            yield Hit(hit_id, mail.body.text, partial(_mail, visit, mail))


def _mail(visit: Visit, mail: Message) -> dict[str, Any]:
    return _part("message", message_json(mail, visit.owner.mailbox, visit.prefer), _MESSAGE_SHOWN)


def _events(visit: Visit, search: Search) -> Iterator[Hit]:
    for event in visit.owner.calendars[0].events:
        if event.kind != "occurrence" and search.matches(EventWords(event)):
            hit_id = event.ids.pick(immutable=visit.prefer.immutable_ids)
            yield Hit(hit_id, event.body.text, partial(_event, visit, event))


def _event(visit: Visit, event: Event) -> dict[str, Any]:
    return _part("event", event_json(event, visit.prefer), _EVENT_SHOWN)


def _part(entity: str, full: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    shown = {name: full[name] for name in names}
    return {"@odata.type": f"#microsoft.graph.{entity}", **shown}
