"""A draft without its text: for whom it is, what it is about, and whether it may leave."""

from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument
from obo_graph.mail.rows import web_link
from obo_graph.shape import ids
from obo_graph.shape.addresses import Person, check_people, distinct, people_of
from obo_graph.shape.recipients import listed
from obo_graph.shape.result import compact, size_bytes
from obo_graph.shape.tool import Workshop
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

FIELDS = (
    "id,isDraft,subject,toRecipients,ccRecipients,bccRecipients,importance,webLink,"
    "internetMessageId,hasAttachments"
)
"""The properties of a draft that this module reads. Mail.ReadBasic shows them all."""

_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
_SHOWN_PEOPLE = (20, 10, 5, 2, 1)
_MANY_PEOPLE = 8


async def read_draft(graph: PersonalGraph, draft_id: str, more_fields: str = "") -> Json:
    """The draft that the argument `draft_id` names.

    Raises:
        ToolError: it is none.
        GraphFailure: there is nothing with this id.
    """
    path = f"/me/messages/{ids.segment('draft_id', draft_id)}"
    select = f"{FIELDS},{more_fields}" if more_fields else FIELDS
    message = await graph.get(path, {"$select": select}, prefer=(IMMUTABLE_IDS,))
    if message.get("isDraft") is not True:
        raise bad_argument("draft_id", "is a mail that was sent or received, not a draft")
    return message


def path_of(message: Json) -> str:
    """The path of a message that Graph gave us.

    Raises:
        GraphFailure: it has no id.
    """
    key = message.get("id")
    if not isinstance(key, str) or not key:
        raise GraphFailure(NO_ANSWER, "unexpected")
    return f"/me/messages/{ids.segment('draft_id', key)}"


def everybody(message: Json) -> list[Person]:
    """All for whom `message` is, each once."""
    people = [person for name in _RECIPIENTS for person in people_of(message.get(name))]
    return distinct(people)


async def allowed(shop: Workshop, graph: PersonalGraph, message: Json) -> list[str]:
    """Warnings about `message`, as far as its recipients and subject go.

    Raises:
        ToolError: the operator does not allow these recipients.
    """
    people = everybody(message)
    warnings = check_people(people, shop.settings, await shop.mailboxes.domain(graph))
    if not people:
        warnings.append("It has no recipient yet.")
    if len(people) >= _MANY_PEOPLE:
        warnings.append(f"It goes to {len(people)} people.")
    if not one_line(message.get("subject"), 256):
        warnings.append("It has no subject.")
    return warnings


def shown(message: Json, extra: Json, budget_bytes: int) -> Json:
    """`message` as a model reads it, with `extra`; people give way to the budget."""
    value: Json = {}
    for most in _SHOWN_PEOPLE:
        value = _shown(message, most) | compact(extra)
        if size_bytes(value) <= budget_bytes:
            break
    return value


def _shown(message: Json, most: int) -> Json:
    importance = one_line(message.get("importance"), 16)
    return compact(
        {
            "id": one_line(message.get("id"), 512),
            "subject": one_line(message.get("subject"), 256),
            "to": listed(message.get("toRecipients"), most),
            "cc": listed(message.get("ccRecipients"), most),
            "bcc": listed(message.get("bccRecipients"), most),
            "importance": "" if importance == "normal" else importance,
            "link": web_link(message),
        }
    )
