"""The three kinds of attachments, as text: a file, a mail or event inside the mail, a link.

Graph, "Get attachment": `$value` gives a file's bytes, `$expand` an item's properties.
"""

from dataclasses import dataclass
from types import MappingProxyType

from obo_graph.documents import kinds
from obo_graph.documents.extract import Unreadable
from obo_graph.documents.reader import Reader, text_of
from obo_graph.errors import told
from obo_graph.shape.recipients import listed, written
from obo_graph.shape.result import compact
from obo_graph.shape.times import read, read_zoned, show
from obo_graph.shape.tool import Workshop
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

_FIELDS = {"$select": "id,name,contentType,size,isInline,lastModifiedDateTime"}
_ITEM = {"$expand": "microsoft.graph.itemattachment/item"}
_PLAIN_TEXT = 'outlook.body-content-type="text"'
_MOST_PEOPLE = 5
_ENDINGS = MappingProxyType(
    {
        "text/plain": "txt",
        "text/csv": "csv",
        "text/markdown": "md",
        "text/html": "html",
        "application/json": "json",
        "application/pdf": "pdf",
    }
)
_SOON_SECONDS = 5
_MOST_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of an attachment, and its text if it has one; `more`: it goes on."""

    head: Json
    text: str = ""
    more: bool = False


async def read_attachment(shop: Workshop, graph: PersonalGraph, path: str, chars: int) -> Found:
    """The attachment at `path`, with at least the first `chars` characters of its text.

    Raises:
        ToolError: `busy`: others read documents just now.
        GraphFailure: Graph does not give it.
    """
    part = await graph.get(path, _FIELDS, prefer=(IMMUTABLE_IDS,))
    kind = str(part.get("@odata.type", "")).rpartition(".")[2]
    head = {
        "name": one_line(part.get("name"), 256),
        "type": one_line(part.get("contentType"), 128),
        "size": part.get("size"),
    }
    if kind == "itemAttachment":
        return await _item(shop, graph, path, head)
    if kind == "referenceAttachment":
        return _noted(head, "A link to a file elsewhere: look for its name with files_search.")
    return await _file(shop.reader, graph, path, head, chars)


async def _file(reader: Reader, graph: PersonalGraph, path: str, head: Json, chars: int) -> Found:
    name, size = _readable_name(head), head["size"]
    if not name:
        return _noted(head, f"binary, {size} bytes: no text can be read.")
    if isinstance(size, int) and size > _MOST_BYTES:
        return _noted(head, "Too large to be read here. Tell the person.")
    content = await graph.content(f"{path}/$value", _MOST_BYTES)
    try:
        found = await text_of(reader, name, content, first_chars=chars)
    except Unreadable as why:
        if why.reason == "busy":
            raise told("busy", str(why), retry_after_s=_SOON_SECONDS) from None
        return _noted(head, f"{why} It has {len(content)} bytes.")
    return Found(head=compact(head), text=found.text, more=found.more)


def _readable_name(head: Json) -> str:
    """The name, with the ending of its content type where its own is none that we read."""
    name = str(head["name"])
    if kinds.supported(name):
        return name
    content_type = str(head["type"]).partition(";")[0].strip().lower()
    ending = _ENDINGS.get(content_type)
    return f"{name}.{ending}" if ending else ""


def _noted(head: Json, note: str) -> Found:
    return Found(head=compact(head | {"note": note}))


async def _item(shop: Workshop, graph: PersonalGraph, path: str, head: Json) -> Found:
    part = await graph.get(path, _ITEM, prefer=(IMMUTABLE_IDS, _PLAIN_TEXT))
    item = part.get("item")
    item = item if isinstance(item, dict) else {}
    zone = await shop.mailboxes.zone(graph)
    when = read(item.get("receivedDateTime")) or read_zoned(item.get("start"))
    shown = {
        "kind": one_line(str(item.get("@odata.type", "")).rpartition(".")[2], 32) or "item",
        "subject": one_line(item.get("subject") or item.get("displayName"), 256),
        "from": written(item.get("from") or item.get("organizer")),
        "to": listed(item.get("toRecipients") or item.get("attendees"), _MOST_PEOPLE),
        "date": show(when, zone),
    }
    body = item.get("body")
    content = body.get("content") if isinstance(body, dict) else None
    return Found(head=compact(head | shown), text=content if isinstance(content, str) else "")
