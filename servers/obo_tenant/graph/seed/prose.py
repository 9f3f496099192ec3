"""How people here write: greeting, text, sign-off, quoted history; as text and as HTML."""

import html
import random
from datetime import datetime

from obo_tenant.graph.mailbox import Address, Body

_GREETINGS = ("Hi {0},", "Hello {0},", "Dear {0},", "{0},", "Good morning {0},")
_ENDINGS = ("Best,", "Thanks,", "Kind regards,", "Cheers,", "Many thanks,", "Until then,")


def letter(text: str, author: Address, reader: Address, dice: random.Random) -> str:
    """`text` with greeting and sign-off."""
    greeting = dice.choice(_GREETINGS).format(reader.name.split()[0])
    return f"{greeting}\n\n{text.strip()}\n\n{dice.choice(_ENDINGS)}\n{author.name.split()[0]}"


def as_body(text: str, *, in_html: bool) -> Body:
    """A body written in HTML or in plain text."""
    return Body(text, page(paragraphs(text))) if in_html else Body(text)


def with_history(new: Body, old: Body, author: Address, sent: datetime, subject: str) -> Body:
    """A reply: the new text above, what it answers below, as Outlook lays it out."""
    stamp = sent.strftime("%d %B %Y %H:%M")
    head = f"From: {author.name} <{author.address}>\nSent: {stamp}\nSubject: {subject}"
    text = f"{new.text}\n\n________________________________\n{head}\n\n{old.text}"
    if new.html is None:
        return Body(text)
    below = inner(old.html) if old.html else paragraphs(old.text)
    divider = f'<hr><div id="divRplyFwdMsg">{paragraphs(head)}</div>'
    return Body(text, page(f"{paragraphs(new.text)}\n{divider}\n<blockquote>{below}</blockquote>"))


def paragraphs(text: str) -> str:
    """Paragraphs and line breaks as HTML."""
    blocks = (html.escape(block).replace("\n", "<br>") for block in text.split("\n\n"))
    return "\n".join(f"<p>{block}</p>" for block in blocks)


def page(content: str) -> str:
    """A whole HTML document, as Exchange stores mail."""
    return (
        '<html><head>\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
        f"</head><body>\n{content}\n</body></html>"
    )


def inner(document: str) -> str:
    """What is between the body tags of `page`."""
    return document.partition("<body>\n")[2].rpartition("\n</body>")[0]
