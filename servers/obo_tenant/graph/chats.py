"""Chats: one of two people, of a group, of a meeting; every member sees the same one.

Source: Graph "chat", "chatMessage", "conversationMember" resource types.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from obo_tenant.graph.store import REGISTERED, Profile

Kind = Literal["oneOnOne", "group", "meeting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a chat. `guest` is one of another organization."""

    oid: str
    name: str
    address: str
    guest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One entry; `joined` are the people whose coming a system entry reports."""

    number: int
    sender: Member | None
    content: str
    content_type: Literal["text", "html"] = "text"
    importance: str = "normal"
    subject: str | None = None
    edited: bool = False
    deleted: bool = False
    files: tuple[tuple[str, str], ...] = ()
    joined: tuple[Member, ...] = ()

    @property
    def at(self) -> datetime:
        """When it was sent; its number is that instant in milliseconds."""
        return datetime.fromtimestamp(self.number / 1000, UTC)


@dataclass(slots=True, kw_only=True)
class Chat:
    """A conversation; messages are kept oldest first. `company` is whose tenant it lives in."""

    id: str
    kind: Kind
    topic: str | None
    created: datetime
    members: tuple[Member, ...]
    company: str
    messages: list[ChatMessage] = field(default_factory=list)

    def has(self, oid: str) -> bool:
        """Whether this person is in it."""
        return any(each.oid.casefold() == oid.casefold() for each in self.members)

    def say(self, message: ChatMessage) -> ChatMessage:
        """Add a message; its number is raised until it is newer than all others."""
        newest = self.messages[-1].number if self.messages else 0
        added = replace(message, number=max(message.number, newest + 1))
        self.messages.append(added)
        return added

    def read_by(self, oid: str) -> datetime:
        """Until when this person has read: whoever writes has read what came before."""
        mine = (
            each.at for each in reversed(self.messages) if each.sender and each.sender.oid == oid
        )
        return next(mine, self.created)

    @property
    def touched(self) -> datetime:
        """When the last message came."""
        return self.messages[-1].at if self.messages else self.created


def pair_id(one: str, other: str) -> str:
    """The id of the chat of two people; there is only one."""
    first, second = sorted((one.casefold(), other.casefold()))
    return f"19:{first}_{second}@unq.gbl.spaces"


class Chats:
    """All chats of the tenant; `seed` makes those of one person when they are first asked for.

    Chats that synthetic people start with are dropped with the least recently used of them.
    """

    def __init__(self, seed: Callable[[Profile], Iterable[Chat]], *, synthetic_limit: int) -> None:
        self._seed = seed
        self._limit = synthetic_limit
        self._shared: dict[str, Chat] = {}
        self._seeded: set[str] = set()
        self._synthetic: OrderedDict[str, dict[str, Chat]] = OrderedDict()

    def of(self, owner: Profile) -> list[Chat]:
        """Every chat of a person."""
        own = self._own(owner).values()
        shared = (each for each in self._shared.values() if each.has(owner.oid))
        return list({each.id: each for each in (*own, *shared)}.values())

    def find(self, owner: Profile, chat_id: str) -> Chat | None:
        """The chat with this id, whoever is in it; None if `owner`'s tenant has none."""
        found = self._own(owner).get(chat_id) or self._shared.get(chat_id)
        if found is None:
            for each in REGISTERED.values():
                self._own(each)
            found = self._shared.get(chat_id)
        return found if found is not None and found.company == owner.company else None

    def start(self, chat: Chat) -> Chat:
        """Keep a new chat, or find the one that these two people have already."""
        for each in chat.members:
            if each.oid.casefold() in REGISTERED:
                self._own(REGISTERED[each.oid.casefold()])
        return self._shared.setdefault(chat.id, chat)

    def _own(self, owner: Profile) -> dict[str, Chat]:
        key = owner.oid.casefold()
        if not owner.synthetic:
            if key not in self._seeded:
                self._seeded.add(key)
                for each in self._seed(owner):
                    self._shared.setdefault(each.id, each)
            return {}
        if key not in self._synthetic:
            self._synthetic[key] = {each.id: each for each in self._seed(owner)}
            if len(self._synthetic) > self._limit:
                self._synthetic.popitem(last=False)
        self._synthetic.move_to_end(key)
        return self._synthetic[key]
