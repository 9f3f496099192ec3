"""The seeded data is the same every time, and quick to make."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from obo_tenant.graph.ids import OutlookIds
from obo_tenant.graph.seed.person import belongings
from obo_tenant.graph.seed.templates import load_templates
from obo_tenant.graph.store import REGISTERED

START = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


def content(made):
    return (
        [(m.ids, m.subject, m.body, m.received, m.attachments) for m in made.mailbox.messages],
        [event for calendar in made.calendars for event in calendar.events],
        made.drive.items,
    )


def test_same_person_and_start_give_the_same_data():
    templates = load_templates()
    for owner in REGISTERED.values():
        first = content(belongings(owner, START, templates))
        assert first == content(belongings(owner, START, templates))


def test_another_start_moves_the_mail_along():
    templates = load_templates()
    owner = next(iter(REGISTERED.values()))
    week = timedelta(days=7)
    now = belongings(owner, START, templates).mailbox.messages
    later = belongings(owner, START + week, templates).mailbox.messages
    assert [each.received + week for each in now] == [each.received for each in later]
    assert [each.ids for each in now] == [each.ids for each in later]


def test_a_mailbox_keeps_what_it_began_with_and_the_latest_additions():
    owner = next(iter(REGISTERED.values()))
    box = belongings(owner, START, load_templates()).mailbox
    first = box.messages
    for number in range(2010):
        ids = OutlookIds(f"default {number}", f"immutable {number}")
        box.put(replace(first[0], key=f"new {number}", ids=ids))
    assert len(box.messages) == len(first) + 2000
    assert box.message("immutable 9") is None
    assert box.message("default 2009").key == "new 2009"
    assert box.message(first[0].ids.default) is first[0]


def test_every_template_word_is_filled_in():
    templates = load_templates()
    for owner in REGISTERED.values():
        made = belongings(owner, START, templates)
        texts = [f"{m.subject} {m.body.text}" for m in made.mailbox.messages]
        texts += [f"{e.subject} {e.body.text} {e.location}" for e in made.calendars[0].events]
        texts += [item.name + made.drive.path_of(item) for item in made.drive.items]
        assert not [text for text in texts if "{" in text or "}" in text]
