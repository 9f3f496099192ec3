"""The text of an event, changed without losing its online meeting.

The join information is a part of the HTML; without it the meeting is no longer online (Graph,
"event: update", section on the body of an online meeting).
"""

import html
import re

from obo_graph.text import sendable
from obo_graph.wire.answer import Json

# What Teams writes above its part: a class of its own, or a line of underscores.
_MEETING_PART = re.compile(
    r"<div[^<>]{0,400}class=[\"']?me-email-text|(?:<div[^<>]{0,400}>\s*)?<span[^<>]{0,400}>\s*_{20,}|_{20,}",
    re.IGNORECASE,
)
# Controls, bidi marks and tag characters: text that nobody sees does not leave with an event.
_END = re.compile(r"</body\s*>", re.IGNORECASE)
_START = re.compile(r"<body[^<>]{0,400}>", re.IGNORECASE)


def plain(text: str) -> Json:
    """`text` as the body of an event."""
    return {"contentType": "text", "content": sendable(text)}


def replaced(event: Json, text: str) -> Json:
    """`text` in place of the body of `event`, above the part that joins its online meeting.

    Where that part cannot be told from the rest, all of the old body stays below.
    """
    if event.get("isOnlineMeeting") is not True:
        return plain(text)
    old = event.get("body")
    content = old.get("content") if isinstance(old, dict) else None
    kind = old.get("contentType") if isinstance(old, dict) else None
    if not isinstance(content, str) or not content.strip():
        return plain(text)
    kept = _meeting_part(content) if kind == "html" else _as_html(content)
    return {"contentType": "html", "content": f"<html><body>{_as_html(text)}{kept}</body></html>"}


def _meeting_part(content: str) -> str:
    end = _END.search(content)
    start = _START.search(content)
    inner = content[start.end() if start else 0 : end.start() if end else len(content)]
    part = _MEETING_PART.search(inner)
    return inner[part.start() :] if part else inner


def _as_html(text: str) -> str:
    return "<div>" + html.escape(sendable(text)).replace("\n", "<br>\n") + "</div>"
