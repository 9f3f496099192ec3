"""The part of an event's body that makes it an online meeting.

Source: Graph "event: update": whoever changes the body must keep the meeting's part, or the meeting
is no longer online.
"""

from dataclasses import replace

from obo_tenant.graph.calendar import Event
from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Body
from obo_tenant.graph.seed.prose import inner, page, paragraphs

_LINE = "_" * 80


def with_link(event: Event, oid: str) -> Event:
    """The event as an online meeting: with a link to join, also in its body."""
    if event.meeting_url is not None:
        return event
    link = f"https://meet.contoso.example/join/{guid(oid, event.key)}"
    blob = f"{_LINE}\nMicrosoft Teams meeting\nJoin the meeting now: {link}\n{_LINE}"
    shown = f'<div class="me-email-text" lang="en-US">{paragraphs(blob)}</div>'
    written = event.body.html or page(paragraphs(event.body.text))
    above = inner(written) or written
    body = Body(f"{event.body.text}\n\n{blob}".strip(), page(f"{above}\n{shown}"))
    return replace(event, meeting_url=link, body=body)


def without_link(event: Event) -> Event:
    """The event as a meeting in person."""
    return replace(event, meeting_url=None)


def joined(event: Event) -> bool:
    """Whether the link is still in the body."""
    return event.meeting_url is not None and event.meeting_url in event.body.text + (
        event.body.html or ""
    )
