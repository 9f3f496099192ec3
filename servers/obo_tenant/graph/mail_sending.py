"""Mail that leaves, and arrives where its addressee is a person of the cloud.

Sources: Graph "message: send", "user: sendMail". There is no key against sending twice.
"""

import re
from dataclasses import replace
from uuid import uuid4

from starlette.responses import Response

from obo_tenant.graph.attachment_body import new_ids
from obo_tenant.graph.conditional import refuse_stale
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_flag, as_object, lowered, read_object
from obo_tenant.graph.ids import change_key, conversation_id, guid, outlook_ids
from obo_tenant.graph.mail_lookup import message_of
from obo_tenant.graph.mail_writes import draft_from, keep
from obo_tenant.graph.mailbox import Message
from obo_tenant.graph.store import Belongings
from obo_tenant.graph.visit import Visit, operations

_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")
_ACCEPTED = 202


def send_draft(visit: Visit) -> Response:
    """`POST /me/messages/{message}/send`: 202; the draft becomes the copy in Sent Items."""
    draft = message_of(visit)
    refuse_stale(visit, draft.change_key)
    if not draft.is_draft:
        raise GraphError(400, "ErrorInvalidRequest", "Only a draft can be sent.")
    _check_recipients(draft)
    visit.owner.mailbox.remove(draft)
    _leave(visit, draft)
    return Response(status_code=_ACCEPTED)


def send_mail(visit: Visit) -> Response:
    """`POST /me/sendMail`: 202."""
    given = lowered(read_object(visit.body))
    wished = given.get("savetosentitems")
    saved = True if wished is None else as_flag(wished)
    message = draft_from(visit, as_object(given.get("message")))
    _check_recipients(message)
    _leave(visit, message, saved=saved)
    return Response(status_code=_ACCEPTED)


def _leave(visit: Visit, draft: Message, *, saved: bool = True) -> None:
    now = visit.now.replace(microsecond=0)
    sent = replace(
        draft.moved(visit.owner.profile.oid, "sentitems", now),
        is_draft=False,
        is_read=True,
        created=draft.created or draft.received,
        received=now,
        internet_id=draft.internet_id or guid(draft.key, "internet"),
        thread=draft.thread or draft.conversation_id,
    )
    if saved and visit.quirks.sent_copy_after:
        visit.owner.mailbox.put_later(sent, visit.quirks.sent_copy_after)
    elif saved:
        keep(visit, sent)
    named = dict.fromkeys(each.address.casefold() for each in (*sent.to, *sent.cc, *sent.bcc))
    found = (visit.addressee(address) for address in named)
    for addressee in found:
        if addressee is not None:
            addressee.mailbox.put(_arrived(sent, addressee))


def _arrived(sent: Message, addressee: Belongings) -> Message:
    """The copy of the addressee: nothing in it leads to the sender's mailbox."""
    oid, key, thread = addressee.profile.oid, f"in {uuid4().hex}", sent.thread
    return replace(
        sent,
        key=key,
        ids=outlook_ids(oid, "message", key),
        change_key=change_key(oid, key),
        conversation_id=addressee.mailbox.conversation(thread) or conversation_id(oid, thread),
        folder="inbox",
        created=sent.received,
        modified=sent.received,
        bcc=(),
        is_read=False,
        flag="notFlagged",
        categories=(),
        attachments=tuple(replace(each, ids=new_ids(oid)) for each in sent.attachments),
    )


def _check_recipients(message: Message) -> None:
    everybody = (*message.to, *message.cc, *message.bcc)
    if not everybody:
        raise _invalid("A message can't be sent because it contains no recipients.")
    if not all(_ADDRESS.fullmatch(each.address) for each in everybody):
        raise _invalid("Recipient is not resolved.")


def _invalid(reason: str) -> GraphError:
    words = f"At least one recipient isn't valid., {reason}"
    return GraphError(400, "ErrorInvalidRecipients", words)


OPERATIONS = operations(
    "mail",
    "Mail.Send",
    ("messages/{message}/send", send_draft),
    ("sendMail", send_mail),
    method="POST",
)
