"""A message as a caller sends it: which fields of ours it changes.

Source: Graph "user: create message", "message: update", "message" resource type.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_flag, as_list, as_object, as_text, one_of, own_members
from obo_tenant.graph.mail_view import MESSAGE_PROPERTIES
from obo_tenant.graph.mailbox import Address, Body
from obo_tenant.graph.plain_text import plain_text
from obo_tenant.graph.seed.prose import page

Changes = dict[str, Any]
_LONGEST_BODY = 4_000_000
_MOST_RECIPIENTS = 5000
_IGNORED = frozenset(
    {"internetMessageHeaders", "singleValueExtendedProperties", "multiValueExtendedProperties",
     "isDeliveryReceiptRequested", "isReadReceiptRequested"}
)  # fmt: skip
_APART = frozenset({"attachments", "from", "sender"})


def message_changes(
    given: Mapping[str, Any], *, own: str, draft: bool = True, apart: Iterable[str] = _APART
) -> Changes:
    """The fields of `Message` to replace. `own` is the caller's address, `apart` what is read by
    somebody else.

    Raises GraphError 400 for what only the service sets, and for what may be changed in a draft
    only where it is none; 403 for another sender.
    """
    changes: Changes = {}
    members = own_members(given, MESSAGE_PROPERTIES | _IGNORED, "message")
    for name in ("from", "sender"):
        _own_sender(members.get(name), own)
    for name, value in members.items():
        if name in _IGNORED or name in apart:
            continue
        if name not in _READERS:
            raise GraphError(400, "ErrorInvalidPropertySet", "Set action is invalid for property.")
        if not draft and name not in _ALWAYS:
            raise GraphError(
                400,
                "ErrorInvalidPropertyUpdateSentMessage",
                "Update operation is invalid for property of a sent message.",
            )
        changes.update(_READERS[name](value))
    return changes


def recipients(value: object) -> tuple[Address, ...]:
    """A collection of recipients, each once. Raises GraphError 400."""
    listed = as_list([] if value is None else value, longest=_MOST_RECIPIENTS)
    return tuple(dict.fromkeys(map(_recipient, listed)))


def item_body(value: object) -> Body:
    """An itemBody. Raises GraphError 400."""
    given = as_object({} if value is None else value)
    content = as_text(given.get("content"), longest=_LONGEST_BODY)
    if one_of(given.get("contentType") or "text", ("text", "html")) == "text":
        return Body(content)
    whole = content if "<html" in content[:200].casefold() else page(content)
    return Body(plain_text(whole), whole)


def _recipient(value: object) -> Address:
    named = as_object(as_object(value).get("emailAddress"))
    address = as_text(named.get("address"), longest=320).strip()
    return Address(as_text(named.get("name"), longest=256) or address, address)


def _own_sender(value: object, own: str) -> None:
    if value is not None and _recipient(value).address.casefold() != own.casefold():
        raise GraphError(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to "
            "send mail on behalf of the specified sending account.",
        )


def _body(value: object) -> Changes:
    body = item_body(value)
    return {"body": body, "unique": body}


def _recipients(field: str) -> Callable[[object], Changes]:
    return lambda value: {field: recipients(value)}


def _flag(value: object) -> Changes:
    status = as_object(value).get("flagStatus")
    return {"flag": one_of(status, ("notFlagged", "flagged", "complete"))}


_READERS: Mapping[str, Callable[[object], Changes]] = {
    "subject": lambda value: {"subject": as_text(value, longest=255)},
    "body": _body,
    "toRecipients": _recipients("to"),
    "ccRecipients": _recipients("cc"),
    "bccRecipients": _recipients("bcc"),
    "replyTo": _recipients("reply_to"),
    "isRead": lambda value: {"is_read": as_flag(value)},
    "flag": _flag,
    "categories": lambda value: {"categories": tuple(as_text(each) for each in as_list(value))},
    "importance": lambda value: {"importance": one_of(value, ("low", "normal", "high"))},
    "inferenceClassification": lambda value: {
        "focused": one_of(value, ("focused", "other")) == "focused"
    },
}
_ALWAYS = frozenset({"isRead", "flag", "categories", "importance", "inferenceClassification"})
