"""A person's mailbox: folders, messages and their attachments, found by either id."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from obo_tenant.graph.ids import OutlookIds, change_key, guid, outlook_ids
from obo_tenant.graph.odata.kql import padded_words

WELL_KNOWN: Mapping[str, str] = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "archive": "Archive",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    "conversationhistory": "Conversation History",
}
ROOT = "msgfolderroot"
HIDDEN_ROOT = "root"
_MOST_ADDED = 2000


@dataclass(frozen=True, slots=True)
class Address:
    """A display name and an e-mail address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body as plain text and, if it was written in HTML, as HTML."""

    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a mail, or another mail as `item`; that one's `content` is its MIME form."""

    ids: OutlookIds
    name: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str | None = None
    item: "Message | None" = None
    modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A mail folder. `key` is the well-known name, or our own for the others."""

    key: str
    ids: OutlookIds
    name: str
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail. `unique` is the body without the quoted history.

    `received` of a draft is when it was begun. All copies of a mail share the `internet_id`, and
    all of a conversation that left its mailbox the `thread`, which is no id that anybody sees.
    """

    key: str
    ids: OutlookIds
    change_key: str
    folder: str
    conversation_id: str
    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    received: datetime
    created: datetime | None = None
    modified: datetime | None = None
    internet_id: str | None = None
    thread: str = ""
    body: Body
    unique: Body
    is_read: bool = True
    is_draft: bool = False
    importance: str = "normal"
    focused: bool = True
    flag: str = "notFlagged"
    categories: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def internet_message_id(self) -> str:
        """Its Message-ID (RFC 5322 section 3.6.4), the same in every mailbox."""
        name = self.internet_id or guid(self.key, "internet")
        return f"<{name}@mail.contoso.example>"

    @property
    def etag(self) -> str:
        """Its version, as in `@odata.etag` and `If-Match`."""
        return f'W/"{self.change_key}"'

    def revised(self, now: datetime, **changes: Any) -> "Message":
        """The mail with those fields changed, and thereby a new version."""
        stamp = change_key(self.key, self.change_key)
        return replace(self, change_key=stamp, modified=now.replace(microsecond=0), **changes)

    def moved(self, oid: str, folder: str, now: datetime, **changes: Any) -> "Message":
        """The mail in another folder of `oid`: under a new default id and the same immutable one.

        Source: Graph "Get immutable identifiers for Outlook resources".
        """
        fresh = outlook_ids(oid, "message", f"{self.key} {uuid4().hex}")
        ids = OutlookIds(fresh.default, self.ids.immutable)
        return self.revised(now, ids=ids, folder=folder, **changes)


class Mailbox:
    """All mail of one person, newest first.

    It keeps what it began with and the latest 2,000 mails that came later.
    """

    def __init__(self, folders: Iterable[Folder], messages: Iterable[Message]) -> None:
        self.folders = {folder.key: folder for folder in folders}
        self.messages = _newest_first(messages)
        self._folder_ids = {
            name: each
            for each in self.folders.values()
            for name in (each.ids.default, each.ids.immutable)
        }
        self._by_id = {
            name: each for each in self.messages for name in (each.ids.default, each.ids.immutable)
        }
        self._words: dict[str, MessageWords] = {}
        self._added: deque[str] = deque()
        self._coming: list[tuple[int, Message]] = []

    def put(self, message: Message) -> None:
        """Add a mail, or put it in the place of the one with the same key."""
        others = self._without(message.key)
        if len(others) == len(self.messages):
            self._added.append(message.key)
        self.messages = _newest_first([message, *others])
        self._by_id[message.ids.default] = self._by_id[message.ids.immutable] = message
        if len(self._added) > _MOST_ADDED:
            self.messages = self._without(self._added.popleft())

    def remove(self, message: Message) -> None:
        """Take a mail out."""
        self.messages = self._without(message.key)

    def put_later(self, message: Message, after: int) -> None:
        """Add a mail when `tick` has been called that many times."""
        self._coming.append((after, message))

    def tick(self) -> None:
        """One more request has come to this mailbox."""
        coming = [(left - 1, message) for left, message in self._coming]
        self._coming = [each for each in coming if each[0] > 0]
        for left, message in coming:
            if left <= 0:
                self.put(message)

    def conversation(self, thread: str) -> str | None:
        """The conversation id that this mailbox has for a thread, or None."""
        found = (
            m.conversation_id for m in self.messages if thread in (m.thread, m.conversation_id)
        )
        return next(found, None)

    @property
    def attached_bytes(self) -> int:
        """The size of all attachments."""
        return sum(len(file.content) for each in self.messages for file in each.attachments)

    def _without(self, key: str) -> tuple[Message, ...]:
        self._words.pop(key, None)
        gone = [each for each in self.messages if each.key == key]
        for each in gone:
            self._by_id.pop(each.ids.default, None)
            self._by_id.pop(each.ids.immutable, None)
        if not gone:
            return self.messages
        return tuple(each for each in self.messages if each.key != key)

    def message(self, item_id: str) -> Message | None:
        """The message under either id, or None."""
        return self._by_id.get(item_id)

    def folder(self, name: str) -> Folder | None:
        """The folder under either id or its well-known name, or None."""
        known = name.casefold()
        if known in WELL_KNOWN or known == ROOT:
            return self.folders.get(known)
        return self._folder_ids.get(name)

    def children(self, parent: str) -> list[Folder]:
        """The folders directly below the folder with the key `parent`."""
        return [each for each in self.folders.values() if each.parent == parent]

    def in_folder(self, key: str) -> list[Message]:
        """The messages directly in a folder, newest first."""
        return [each for each in self.messages if each.folder == key]

    def words(self, message: Message) -> "MessageWords":
        """The message as a thing to search; its words are split once and kept."""
        found = self._words.get(message.key)
        if found is None:
            found = self._words[message.key] = MessageWords(message)
        return found


def _newest_first(messages: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(sorted(messages, key=lambda each: each.received, reverse=True))


class MessageWords:
    """A message as KQL sees it."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._texts = {name: padded_words(text) for name, text in _texts(message).items()}
        self._texts[""] = "".join(self._texts.values())

    def words(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        return self._texts[name]

    def flag(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        if name == "importance":
            return self._message.importance
        value = self._message.is_read if name == "isread" else bool(self._message.attachments)
        return str(value).lower()

    def moment(self, _name: str) -> datetime | None:
        """See `odata.kql.Searchable`."""
        return self._message.received


def _texts(message: Message) -> dict[str, str]:
    return {
        "from": _names([message.sender]),
        "to": _names(message.to),
        "cc": _names(message.cc),
        "subject": message.subject,
        "body": message.body.text,
        "attachment": " ".join(each.name for each in message.attachments),
        "category": " ".join(message.categories),
        "participants": _names([message.sender, *message.to, *message.cc]),
    }


def _names(addresses: Iterable[Address]) -> str:
    return " | ".join(f"{each.name} {each.address}" for each in addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `/me/mailboxSettings` shows."""

    time_zone: str
    work_days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    work_start: str = "08:00:00.0000000"
    work_end: str = "17:00:00.0000000"
    away_message: str = ""
    locale: tuple[str, str] = ("en-US", "English (United States)")
