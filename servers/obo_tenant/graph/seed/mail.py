"""A mailbox full of mail from the templates."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle

from obo_tenant.graph.ids import change_key, conversation_id, outlook_ids
from obo_tenant.graph.mailbox import (
    HIDDEN_ROOT,
    ROOT,
    WELL_KNOWN,
    Address,
    Attachment,
    Body,
    Folder,
    Mailbox,
    Message,
)
from obo_tenant.graph.seed.cast import COLLEAGUES, MACHINES, PARTNER_DOMAIN, PARTNERS, Words
from obo_tenant.graph.seed.documents import make_document
from obo_tenant.graph.seed.hostile import TEAMS, Odd, hostile_mail
from obo_tenant.graph.seed.mime import mime_form
from obo_tenant.graph.seed.prose import as_body, letter, with_history
from obo_tenant.graph.seed.templates import Template, Templates
from obo_tenant.graph.store import Profile

_DAYS = 95
_CUSTOM = (("projects", "Projects", ROOT), ("suppliers", "Suppliers", ROOT))
_CUSTOM_BELOW = (("fabrikam", "Fabrikam", "suppliers"), ("receipts", "Receipts", "inbox"))


@cache
def _crowd(size: int) -> tuple[Address, ...]:
    return tuple(
        Address(f"Reader {number}", f"reader{number:04d}@{PARTNER_DOMAIN}")
        for number in range(size)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSeed:
    """Writes one person's mail; `now` is the start of the tenant."""

    owner: Profile
    now: datetime
    words: Words
    templates: Templates
    dice: random.Random
    me: Address = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "me", Address(self.owner.name, self.owner.address))

    def mailbox(self, *, total: int, with_hostile: bool) -> Mailbox:
        """A mailbox of about `total` mails."""
        odd = [self._odd(each) for each in hostile_mail(self.me)] if with_hostile else []
        drafts = [self._draft(number) for number in range(4)] if with_hostile else []
        rest = total - len(odd) - len(drafts)
        threaded = self._until(rest * 7 // 10, self._threads())
        single = self._until(rest - len(threaded), self._notices())
        return Mailbox(self._folders(), [*odd, *drafts, *threaded, *single])

    def _until(self, count: int, groups: Iterable[list[Message]]) -> list[Message]:
        found: list[Message] = []
        for group in groups:
            found += group
            if len(found) >= count:
                break
        return found[:count]

    def _folders(self) -> list[Folder]:
        known = [(key, name, ROOT) for key, name in WELL_KNOWN.items()]
        projects = [(f"project {name}", name, "projects") for name in self.words.projects]
        listed = [
            (ROOT, "Top of Information Store", ROOT + " parent"),
            (TEAMS, "TeamsMessagesData", HIDDEN_ROOT),
            *known,
            *_CUSTOM,
        ]
        return [
            Folder(key=key, ids=outlook_ids(self.owner.oid, "folder", key), name=name, parent=up)
            for key, name, up in (*listed, *_CUSTOM_BELOW, *projects)
        ]

    def _threads(self) -> Iterator[list[Message]]:
        fitting = [
            each
            for each in self.templates.threads
            if each.get("for", self.owner.key) == self.owner.key
        ]
        self.dice.shuffle(fitting)
        for number, template in enumerate(cycle(fitting)):
            yield self._thread(template, f"thread {number}")

    def _thread(self, template: Template, key: str) -> list[Message]:
        words, dice = self.words.pick(), self.dice
        other = dice.choice(PARTNERS if template.get("outside") else self.words.colleagues)
        pair = [self.me, other] if template.get("opens") == "me" else [other, self.me]
        subject = str(template["subject"]).format_map(words)
        in_html = dice.random() < 0.7
        home = self._home(words["project"] if "{project}" in template["subject"] else "", other)
        result: list[Message] = []
        older: Body | None = None
        for turn, sent in enumerate(self._times(len(template["turns"]))):
            author, reader = pair[turn % 2], pair[(turn + 1) % 2]
            text = template["turns"][turn].format_map(words)
            new = as_body(letter(text, author, reader, dice), in_html=in_html)
            whole = new
            if older is not None:
                whole = with_history(new, older, reader, result[-1].received, subject)
            older = whole
            attach = template.get("attachment") if turn == 0 else None
            message = self._message(
                key=f"{key} {turn}",
                thread=key,
                subject=f"RE: {subject}" if turn else subject,
                sender=author,
                reader=reader,
                received=sent,
                body=whole,
                unique=new,
                folder="sentitems" if author is self.me else home,
                importance=template.get("importance", "normal"),
                attachments=self._attached(attach, f"{key} {turn}", subject, text),
            )
            result.append(message)
        return result

    def _times(self, turns: int) -> list[datetime]:
        age = timedelta(minutes=5 + int(self.dice.random() ** 2 * _DAYS * 1440))
        times = [self.now - age]
        for _ in range(turns - 1):
            times.insert(0, times[0] - timedelta(minutes=self.dice.randint(12, 1500)))
        return times

    def _home(self, project: str, other: Address) -> str:
        luck = self.dice.random()
        if luck < 0.05:
            return "deleteditems"
        if luck < 0.13:
            return "archive"
        if luck < 0.4 and project:
            return f"project {project}"
        if luck < 0.4 and other.address.endswith(PARTNER_DOMAIN):
            return "fabrikam"
        return "inbox"

    def _notices(self) -> Iterator[list[Message]]:
        for number, template in enumerate(cycle(self.templates.notices)):
            yield [self._notice(template, f"notice {number}")]

    def _notice(self, template: Template, key: str) -> Message:
        words = self.words.pick()
        author = MACHINES.get(template["from"]) or self.dice.choice(self.words.colleagues)
        subject = str(template["subject"]).format_map(words)
        text = str(template["text"]).format_map(words).strip()
        body = as_body(text, in_html=bool(template.get("html")))
        receipts = "receipts" if template["from"] in ("Expenses", "Travel Desk") else "inbox"
        return self._message(
            key=key,
            thread=key,
            subject=subject,
            sender=author,
            reader=self.me,
            received=self._times(1)[0],
            body=body,
            unique=body,
            folder=template.get("folder", receipts),
            focused=template.get("focused", True),
            attachments=self._attached(template.get("attachment"), key, subject, text),
        )

    def _draft(self, number: int) -> Message:
        words = self.words.pick()
        other = self.dice.choice(self.words.colleagues)
        body = as_body(f"{other.name.split()[0]}, about {words['project']}: ", in_html=True)
        return self._message(
            key=f"draft {number}",
            thread=f"draft {number}",
            subject=f"{words['project']}, open points",
            sender=self.me,
            reader=other,
            received=self._times(1)[0],
            body=body,
            unique=body,
            folder="drafts",
            is_draft=True,
        )

    def _odd(self, odd: Odd) -> Message:
        key = f"odd {odd.key}"
        crowd = _crowd(odd.crowd)
        attached: tuple[Attachment, ...] = ()
        if odd.attachment is not None:
            attached = (self._attachment(key, *odd.attachment),)
        if odd.enclosed is not None:
            attached = (self._enclosed(odd.enclosed),)
        message = self._message(
            key=key,
            thread=key,
            subject=odd.subject,
            sender=odd.sender,
            reader=self.me,
            crowd=crowd,
            received=self._times(1)[0],
            body=odd.body,
            unique=odd.body,
            folder=odd.folder,
            focused=odd.focused,
            attachments=attached,
        )
        return message if odd.addressed else replace(message, to=(), cc=())

    def _enclosed(self, odd: Odd) -> Attachment:
        mail = self._odd(odd)
        content = mime_form(mail)
        made = self._attachment(mail.key, f"{mail.subject}.eml", "message/rfc822", content)
        return replace(made, item=mail)

    def _copied(self, *known: Address) -> tuple[Address, ...]:
        others = [each for each in COLLEAGUES if each not in known]
        return tuple(self.dice.sample(others, 2))

    def _attached(
        self, kind: str | None, key: str, subject: str, text: str
    ) -> tuple[Attachment, ...]:
        if kind is None:
            return ()
        document = make_document(kind, f"{subject}\n\n{text.strip()}", self.dice)
        stem = "".join(letter for letter in subject if letter.isalnum() or letter in " -")
        name = f"{' '.join(stem.split())[:40].strip()}.{kind}"
        return (self._attachment(key, name, document.mime_type, document.content),)

    def _attachment(self, key: str, name: str, content_type: str, content: bytes) -> Attachment:
        ids = outlook_ids(self.owner.oid, "attachment", key)
        return Attachment(ids=ids, name=name, content_type=content_type, content=content)

    def _message(
        self,
        *,
        key: str,
        thread: str,
        subject: str,
        sender: Address,
        reader: Address,
        received: datetime,
        body: Body,
        unique: Body,
        folder: str,
        crowd: tuple[Address, ...] = (),
        importance: str = "normal",
        focused: bool = True,
        is_draft: bool = False,
        attachments: tuple[Attachment, ...] = (),
    ) -> Message:
        oid, luck = self.owner.oid, self.dice.random()
        fresh = self.now - received < timedelta(days=6)
        return Message(
            key=key,
            ids=outlook_ids(oid, "message", key),
            change_key=change_key(oid, key),
            folder=folder,
            conversation_id=conversation_id(oid, thread),
            subject=subject,
            sender=sender,
            to=(reader, *crowd),
            cc=self._copied(sender, reader) if luck < 0.2 else (),
            received=received.replace(microsecond=0),
            body=body,
            unique=unique,
            is_read=folder in ("sentitems", "drafts") or luck > (0.55 if fresh else 0.07),
            is_draft=is_draft,
            importance="low" if importance == "normal" and luck > 0.96 else importance,
            focused=focused,
            flag="flagged" if 0.3 < luck < 0.36 else "notFlagged",
            categories=("Blue category",) if 0.6 < luck < 0.65 else (),
            attachments=attachments,
        )
