"""Everything that one person of the tenant starts with."""

import random
from datetime import datetime

from obo_tenant.graph.mailbox import Settings
from obo_tenant.graph.seed.cast import Words
from obo_tenant.graph.seed.events import EventSeed
from obo_tenant.graph.seed.files import FileSeed
from obo_tenant.graph.seed.mail import MailSeed
from obo_tenant.graph.seed.tasks import TaskSeed
from obo_tenant.graph.seed.templates import Templates
from obo_tenant.graph.store import Belongings, Profile

_AWAY = {"lynne": "I am travelling this week and read mail in the evening, Tokyo time."}


def belongings(owner: Profile, now: datetime, templates: Templates) -> Belongings:
    """The person's mail, events, files and tasks; the same for the same person and `now`.

    Somebody synthetic gets fifteen mails, five events, five files and seven tasks.
    """
    small = owner.synthetic
    dice = random.Random(f"words {owner.oid.casefold()}")
    words = Words(dice, owner)

    mail = MailSeed(
        owner=owner, now=now, words=words, templates=templates, dice=_dice(owner, "mail")
    )
    events = EventSeed(
        owner=owner, now=now, words=words, templates=templates, dice=_dice(owner, "events")
    )
    files = FileSeed(
        owner=owner, now=now, words=words, templates=templates, dice=_dice(owner, "files")
    )
    tasks = TaskSeed(
        owner=owner, now=now, words=words, templates=templates, dice=_dice(owner, "tasks")
    )
    return Belongings(
        profile=owner,
        settings=Settings(time_zone=owner.time_zone, away_message=_AWAY.get(owner.key, "")),
        mailbox=mail.mailbox(total=15 if small else 300, with_hostile=not small),
        calendars=events.calendars(singles=5 if small else 100, with_series=not small),
        drive=files.drive(limit=5 if small else None),
        todo=tasks.todo(total=5 if small else 60, with_hostile=not small),
        planner=tasks.planner(total=2 if small else 25),
    )


def _dice(owner: Profile, what: str) -> random.Random:
    return random.Random(f"{what} {owner.oid.casefold()}")
