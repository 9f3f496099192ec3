"""Messages as a model reads them: a row in a list, or the head above a body."""

from datetime import tzinfo

from obo_graph.shape.paging import objects
from obo_graph.shape.recipients import address_of, listed, names, written
from obo_graph.shape.result import compact, size_bytes
from obo_graph.shape.times import read, show
from obo_graph.text import one_line
from obo_graph.wire.answer import Json

_PREVIEW_BYTES = (140, 100, 60)
_ROW_BYTES = 370
_LINK_BYTES = 400
_MOST_PEOPLE = 20
_MOST_ATTACHMENTS = 20


def rows(messages: list[Json], zone: tzinfo) -> list[Json]:
    """One row for each message; previews get shorter until ten rows fit in about 4 kB."""
    shown = [_row(message, zone) for message in messages]
    room_bytes = _ROW_BYTES * len(shown) - size_bytes({"": shown})
    previews = [one_line(message.get("bodyPreview"), _PREVIEW_BYTES[0]) for message in messages]
    for preview_bytes in _PREVIEW_BYTES:
        previews = [one_line(preview, preview_bytes) for preview in previews]
        if size_bytes({"": [{"preview": preview} for preview in previews]}) <= room_bytes:
            return [row | compact({"preview": p}) for row, p in zip(shown, previews, strict=True)]
    return shown


def _row(message: Json, zone: tzinfo) -> Json:
    flag = message.get("flag")
    status = flag.get("flagStatus") if isinstance(flag, dict) else ""
    return compact(
        {
            "id": message.get("id"),
            "from": written(message.get("from")),
            "to": one_line(names(message.get("toRecipients"), 3), 72),
            "subject": one_line(message.get("subject"), 96),
            "received": show(read(message.get("receivedDateTime")), zone),
            "unread": message.get("isRead") is False,
            "flag": "" if status == "notFlagged" else one_line(status, 16),
            "attachments": message.get("hasAttachments") is True,
        }
    )


def head(
    message: Json, attachments: list[Json], zone: tzinfo, own_domain: str, budget_bytes: int
) -> Json:
    """Everything about a message but its body.

    Attachments, copied people and recipients give way, in this order and from the end of each,
    until it fits into `budget_bytes`; what is left out is counted.
    """
    most = {
        "attachments": min(len(attachments), _MOST_ATTACHMENTS),
        "cc": min(len(objects(message.get("ccRecipients"))), _MOST_PEOPLE),
        "to": min(len(objects(message.get("toRecipients"))), _MOST_PEOPLE),
    }
    shown = _head(message, attachments, zone, own_domain, most)
    for name in ("attachments", "cc", "to"):
        while most[name] and size_bytes(shown) > budget_bytes:
            most[name] -= 1
            shown = _head(message, attachments, zone, own_domain, most)
    return shown


def _head(
    message: Json, attachments: list[Json], zone: tzinfo, own_domain: str, most: dict[str, int]
) -> Json:
    sender = message.get("from")
    domain = address_of(sender).rpartition("@")[2].lower()
    return compact(
        {
            "id": one_line(message.get("id"), 512),
            "conversation_id": one_line(message.get("conversationId"), 512),
            "subject": one_line(message.get("subject"), 256),
            "from": written(sender),
            "external_sender": bool(domain and own_domain and domain != own_domain),
            "to": listed(message.get("toRecipients"), most["to"]),
            "cc": listed(message.get("ccRecipients"), most["cc"]),
            "received": show(read(message.get("receivedDateTime")), zone),
            "unread": message.get("isRead") is False,
            "draft": message.get("isDraft") is True,
            "importance": _unless("normal", message.get("importance")),
            "link": web_link(message),
            "attachments": [_attachment(part) for part in attachments[: most["attachments"]]],
            "more_attachments": len(attachments) - most["attachments"] or None,
        }
    )


def web_link(message: Json) -> str:
    """Where the person opens `message` in Outlook; "" if Graph gives no usable address."""
    link = one_line(message.get("webLink"), _LINK_BYTES)
    return link if link.startswith("https://") and not link.endswith("…") else ""


def attachments_of(answer: Json) -> list[Json]:
    """The attachments in Graph's list, without pictures that belong to the text."""
    return [part for part in objects(answer.get("value")) if part.get("isInline") is not True]


def _attachment(part: Json) -> Json:
    return compact(
        {
            "id": part.get("id"),
            "name": one_line(part.get("name"), 96),
            "type": one_line(part.get("contentType"), 64),
            "size": part.get("size"),
        }
    )


def _unless(ordinary: str, value: object) -> str:
    return "" if value == ordinary else one_line(value, 16)
