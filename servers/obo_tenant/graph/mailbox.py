"""A person's mailbox: folders, messages and their attachments, found by either id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from obo_tenant.graph.ids import OutlookIds
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
    """A file in a mail."""

    ids: OutlookIds
    name: str
    content_type: str
    content: bytes
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A mail folder. `key` is the well-known name, or our own for the others."""

    key: str
    ids: OutlookIds
    name: str
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail. `unique` is the body without the quoted history."""

    key: str
    ids: OutlookIds
    change_key: str
    folder: str
    conversation_id: str
    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    received: datetime
    body: Body
    unique: Body
    is_read: bool = True
    is_draft: bool = False
    importance: str = "normal"
    focused: bool = True
    flag: str = "notFlagged"
    categories: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class Mailbox:
    """All mail of one person, newest first."""

    def __init__(self, folders: Iterable[Folder], messages: Iterable[Message]) -> None:
        self.folders = {folder.key: folder for folder in folders}
        self.messages = tuple(sorted(messages, key=lambda each: each.received, reverse=True))
        self._folder_ids = {
            name: each
            for each in self.folders.values()
            for name in (each.ids.default, each.ids.immutable)
        }
        self._by_id = {
            name: each for each in self.messages for name in (each.ids.default, each.ids.immutable)
        }
        self._words: dict[str, MessageWords] = {}

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
