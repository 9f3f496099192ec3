"""Messages and members of chats as Graph tells them (Graph, "chatMessage", "chat")."""

from obo_graph.documents.html_text import text_of_html
from obo_graph.shape.paging import objects
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json

_NAME_BYTES = 64
_MOST_ATTACHMENTS = 5


def is_said(message: Json) -> bool:
    """Whether somebody said it: not the system's notes on who came and went, nothing deleted."""
    return message.get("messageType") == "message" and not message.get("deletedDateTime")


def text_in(message: Json) -> str:
    """What a message says, as a reader sees it."""
    body = message.get("body")
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(content, str):
        return ""
    return clean(text_of_html(content) if body.get("contentType") == "html" else content)


def sender_of(message: Json) -> Json:
    """The user, or else the application or device, that wrote a message; {} if nobody is named."""
    sender = message.get("from")
    named = sender if isinstance(sender, dict) else {}
    kinds = (named.get(kind) for kind in ("user", "application", "device"))
    return next((one for one in kinds if isinstance(one, dict)), {})


def sender_name(message: Json) -> str:
    """Their name; "" if there is none."""
    return one_line(sender_of(message).get("displayName"), _NAME_BYTES)


def is_from(message: Json, user_id: str) -> bool:
    """Whether the user with this object id wrote the message."""
    return str(sender_of(message).get("id", "")).lower() == user_id.lower()


def attachments_in(message: Json) -> list[str]:
    """Names of what hangs on a message, or its kind where it has no name."""
    attached = objects(message.get("attachments"))
    named = (one.get("name") or one.get("contentType") for one in attached[:_MOST_ATTACHMENTS])
    shown = [name for name in (one_line(part, 96) for part in named) if name]
    more = len(attached) - _MOST_ATTACHMENTS
    return [*shown, f"+{more} more"] if more > 0 else shown


def others(chat: Json, user_id: str) -> list[Json]:
    """The members of a chat but the user with this object id."""
    members = objects(chat.get("members"))
    return [one for one in members if str(one.get("userId", "")).lower() != user_id.lower()]
