"""The text of a mail that a model wrote, on its way out.

What the person saw and approved is what leaves: nothing unseen goes with it, and HTML is reduced
to what a mail needs, without scripts, styles, forms and pictures (nh3, the ammonia sanitiser).
"""

import re
from html import escape

import nh3

from obo_graph.errors import bad_argument
from obo_graph.mail.fields import BodyType
from obo_graph.text import sendable
from obo_graph.wire.answer import Json

# Controls, and Unicode tag characters, which carry text that no human sees. Joiners stay: some
# scripts cannot be spelled without.
# Closed details hide their text, and bdo turns it round.
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area", "details", "summary", "bdo"}
# What is searched a stranger wrote: `<` ends each attempt, or many of them would take for ever.
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
# How Outlook and Exchange mark where the quoted history of a reply begins.
_HISTORY = re.compile(r'(?:<hr\b[^<>]*>\s*)?<div\b[^<>]*\bid="?divRplyFwdMsg', re.IGNORECASE)


def outgoing(body: str, body_type: BodyType) -> Json:
    """`body` as Graph's `itemBody`.

    Raises:
        ToolError: it is HTML of which nothing is left.
    """
    text = sendable(body)
    if body_type == "text":
        return {"contentType": "text", "content": text}
    html = nh3.clean(text, tags=_TAGS, url_schemes={"http", "https", "mailto", "tel"})
    if text and not html.strip():
        raise bad_argument("body", "holds no HTML that a mail may have")
    return {"contentType": "html", "content": html}


def above_history(draft: object, ours: Json) -> Json:
    """`ours` above all that stands in the body of a new reply or forward, `draft`."""
    content, is_html = _read(draft)
    if not is_html:
        return _above(content, ours)
    bodies = list(_BODY.finditer(content))
    # A second <body> is somebody's trick, or a broken mail: our text must not land in there.
    at = bodies[0].end() if len(bodies) == 1 else 0
    return _html(f"{content[:at]}{_block(ours)}{content[at:]}")


def instead_of_text(draft: object, ours: Json) -> Json:
    """`ours` in place of what stands in `draft` above its quoted history, which stays."""
    content, is_html = _read(draft)
    history = _HISTORY.search(content) if is_html else None
    if history is None:
        return ours
    return _html(f"<html><body>{_block(ours)}{content[history.start() :]}")


def _above(text: str, ours: Json) -> Json:
    if ours["contentType"] == "text":
        return {"contentType": "text", "content": f"{ours['content']}\n\n{text}"}
    return _html(f"{_block(ours)}{_lines(text)}")


def _block(ours: Json) -> str:
    content = str(ours["content"])
    return f"<div>{content if ours['contentType'] == 'html' else _lines(content)}</div><br>"


def _lines(text: str) -> str:
    return "<br>\n".join(escape(line, quote=False) for line in text.splitlines())


def _html(content: str) -> Json:
    return {"contentType": "html", "content": content}


def _read(draft: object) -> tuple[str, bool]:
    body = draft if isinstance(draft, dict) else {}
    content = body.get("content")
    is_html = str(body.get("contentType", "")).lower() == "html"
    return (content if isinstance(content, str) else ""), is_html
