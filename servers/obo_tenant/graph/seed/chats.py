"""Chats with messages from the templates, and with some that attack the reader."""

import html
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from obo_tenant.graph.chats import Chat, ChatMessage, Member, pair_id
from obo_tenant.graph.ids import guid
from obo_tenant.graph.seed.cast import Words
from obo_tenant.graph.seed.hostile_chat import hostile_lines
from obo_tenant.graph.seed.templates import Templates
from obo_tenant.graph.store import REGISTERED, Profile
from obo_tenant.graph.users import everybody, user_named
from obo_tenant.people import HOME, NEIGHBOUR

_DAYS = 80


def member_of(person: Profile, *, guest: bool = False) -> Member:
    """Somebody of a directory in a chat; a `guest` is of another organization."""
    return Member(oid=person.oid, name=person.name, address=person.address, guest=guest)


def find_member(name: str, company: str) -> Member | None:
    """The colleague with this object id or address, or None."""
    found = user_named(name, company)
    return member_of(found) if found else None


@dataclass(frozen=True, slots=True)
class ChatSeed:
    """Writes the chats of one person around `now`, the start of the tenant.

    What two registered people share comes out the same, whoever of them is asked first.
    """

    now: datetime
    templates: Templates

    def chats(self, owner: Profile) -> list[Chat]:
        """The person's chats; a synthetic one has three small ones."""
        me = member_of(owner)
        dice = random.Random(f"chats {owner.oid.casefold()}")
        words = Words(dice, owner)
        everyone = map(member_of, everybody(owner.company))
        plain = [each for each in everyone if each.oid not in REGISTERED]
        if owner.synthetic:
            return [self._pair(me, other, words, 4, owner.company) for other in plain[:3]]
        peers = [each for each in REGISTERED.values() if each.company == owner.company]
        own = [
            self._pair(me, other, words, 12, owner.company)
            for other in dice.sample(plain, min(7, len(plain)))
        ]
        hostile = self._hostile(me, owner.company)
        return [*own, *self._shared(me, peers), *self._groups(peers, plain), hostile]

    def _shared(self, me: Member, peers: list[Profile]) -> Iterator[Chat]:
        for peer in peers:
            if peer.oid != me.oid:
                other = member_of(peer)
                first, second = sorted((me, other), key=lambda each: each.oid)
                dice = random.Random(f"pair {first.oid} {second.oid}")
                words = Words(dice, REGISTERED[first.oid])
                yield self._pair(first, second, words, 15, peer.company)

    def _groups(self, peers: list[Profile], plain: list[Member]) -> Iterator[Chat]:
        company = peers[0].company
        for number, topic in enumerate(self.templates.chat_groups):
            dice = random.Random(f"group {company} {number}")
            words = Words(dice, peers[0])
            some = dice.sample(peers, min(len(peers), dice.randint(2, 4)))
            members = [member_of(each) for each in some]
            members += dice.sample(plain, dice.randint(1, 4))
            meeting = number % 4 == 3
            thread = guid(company, f"group {number}").replace("-", "")
            chat = Chat(
                id=f"19:{'meeting_' if meeting else ''}{thread}@thread.v2",
                kind="meeting" if meeting else "group",
                topic=topic.format_map(words.pick()),
                created=self.now - timedelta(days=_DAYS + number),
                members=tuple(members),
                company=company,
            )
            chat.say(_system(chat.created, members))
            yield self._talked(chat, words, dice, dice.randint(10, 40))

    def _pair(self, one: Member, other: Member, words: Words, most: int, company: str) -> Chat:
        dice = random.Random(f"talk {one.oid.casefold()} {other.oid}")
        created = self.now - timedelta(days=_DAYS + 1)
        name = pair_id(one.oid, other.oid)
        chat = Chat(
            id=name,
            kind="oneOnOne",
            topic=None,
            created=created,
            members=(one, other),
            company=company,
        )
        return self._talked(chat, words, dice, dice.randint(2, most))

    def _talked(self, chat: Chat, words: Words, dice: random.Random, count: int) -> Chat:
        at = self.now - timedelta(minutes=dice.randint(3, 20_000))
        times = [at]
        for _ in range(count - 1):
            times.append(times[-1] - timedelta(minutes=dice.randint(1, 2500)))
        for number, moment in enumerate(reversed(times)):
            text = dice.choice(self.templates.chat_lines).format_map(words.pick())
            rich = dice.random() < 0.5
            chat.say(
                ChatMessage(
                    number=int(moment.timestamp()) * 1000 + dice.randint(0, 999),
                    sender=chat.members[number % len(chat.members)],
                    content=f"<p>{html.escape(text)}</p>" if rich else text,
                    content_type="html" if rich else "text",
                    importance="high" if dice.random() < 0.03 else "normal",
                    edited=dice.random() < 0.05,
                    deleted=dice.random() < 0.03,
                )
            )
        return chat

    def _hostile(self, me: Member, company: str) -> Chat:
        stranger = member_of(_stranger(company), guest=True)
        created = self.now - timedelta(days=9)
        name = pair_id(me.oid, stranger.oid)
        chat = Chat(
            id=name,
            kind="oneOnOne",
            topic=None,
            created=created,
            members=(me, stranger),
            company=company,
        )
        chat.say(_system(created, [stranger]))
        for number, (content, kind, files) in enumerate(hostile_lines(), 1):
            moment = created + timedelta(hours=number)
            chat.say(
                ChatMessage(
                    number=int(moment.timestamp()) * 1000,
                    sender=stranger,
                    content=content,
                    content_type=kind,
                    files=files,
                )
            )
        return chat


def _stranger(company: str) -> Profile:
    there = NEIGHBOUR.company if company == HOME.company else HOME.company
    return [each for each in everybody(there) if each.oid not in REGISTERED][-1]


def _system(at: datetime, members: list[Member]) -> ChatMessage:
    number = int(at.timestamp()) * 1000
    return ChatMessage(number=number, sender=None, content="", joined=tuple(members))
