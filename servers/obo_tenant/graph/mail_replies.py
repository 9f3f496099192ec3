"""Drafts that answer or pass on: the history quoted below, in the same conversation.

Sources: Graph "message: createReply", "message: createReplyAll", "message: createForward".
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.attachment_body import new_ids
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_object, as_text, lowered, read_object
from obo_tenant.graph.mail_lookup import message_of
from obo_tenant.graph.mail_writes import draft_from, made
from obo_tenant.graph.mailbox import Address, Body, Message
from obo_tenant.graph.message_body import recipients
from obo_tenant.graph.seed.prose import as_body, with_history
from obo_tenant.graph.visit import Visit, operations

Fields = dict[str, Any]


def create_reply(visit: Visit) -> Response:
    """`POST /me/messages/{message}/createReply`."""
    return _answered(visit, "RE: ", _to_sender)


def create_reply_all(visit: Visit) -> Response:
    """`POST /me/messages/{message}/createReplyAll`."""
    return _answered(visit, "RE: ", _to_all)


def create_forward(visit: Visit) -> Response:
    """`POST /me/messages/{message}/createForward`: with the attachments, to whom is named."""
    return _answered(visit, "FW: ", _forwarded)


def _answered(
    visit: Visit, prefix: str, addressed: Callable[[Visit, Message, Fields], Fields]
) -> Response:
    old, given = message_of(visit), lowered(read_object(visit.body))
    comment = as_text(given.get("comment"), longest=1_000_000)
    wished = as_object(given.get("message") or {})
    if comment and wished.get("body") is not None:
        raise _both("comment", "body")
    if given.get("torecipients") and wished.get("toRecipients"):
        raise _both("toRecipients", "toRecipients")
    bare = old.subject.removeprefix(prefix)
    draft = draft_from(
        visit,
        wished,
        subject=f"{prefix}{bare}"[:255],
        conversation_id=old.conversation_id,
        thread=old.thread,
        unique=as_body(comment, in_html=old.body.html is not None),
        body=_quoted(comment, old),
        **addressed(visit, old, given),
    )
    return made(visit, draft)


def _quoted(comment: str, old: Message) -> Body:
    new = as_body(comment, in_html=old.body.html is not None)
    return with_history(new, old.body, old.sender, old.received, old.subject)


def _to_sender(visit: Visit, old: Message, _given: Fields) -> Fields:
    own = visit.owner.profile.address
    mine = old.sender.address.casefold() == own.casefold()
    return {"to": old.to if mine else old.reply_to or (old.sender,)}


def _to_all(visit: Visit, old: Message, given: Fields) -> Fields:
    own = visit.owner.profile.address.casefold()
    first = _to_sender(visit, old, given)["to"]
    everybody = dict.fromkeys((*first, *old.to))
    to = tuple(each for each in everybody if each.address.casefold() != own)
    return {"to": to, "cc": tuple(each for each in old.cc if _is_other(each, own, to))}


def _is_other(person: Address, own: str, named: tuple[Address, ...]) -> bool:
    taken = {own, *(each.address.casefold() for each in named)}
    return person.address.casefold() not in taken


def _forwarded(visit: Visit, old: Message, given: Fields) -> Fields:
    oid = visit.owner.profile.oid
    return {
        "to": recipients(given.get("torecipients")),
        "attachments": tuple(replace(each, ids=new_ids(oid)) for each in old.attachments),
        "importance": old.importance,
    }


def _both(one: str, other: str) -> GraphError:
    return GraphError(
        400,
        "ErrorInvalidRequest",
        f"Specify either the '{one}' parameter or the '{other}' property of the message parameter, "
        "not both.",
    )


OPERATIONS = operations(
    "mail",
    "Mail.ReadWrite",
    ("messages/{message}/createReply", create_reply),
    ("messages/{message}/createReplyAll", create_reply_all),
    ("messages/{message}/createForward", create_forward),
    method="POST",
)
