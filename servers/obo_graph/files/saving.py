"""How a file gets saved (Graph, "Upload or replace the contents of a driveItem", and "driveItem:
createUploadSession").
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument
from obo_graph.files.fields import web_url
from obo_graph.files.place import Place
from obo_graph.files.query import ref_of
from obo_graph.files.telling import maybe_saved, name_taken
from obo_graph.shape.link import MOST_BYTES
from obo_graph.shape.result import compact
from obo_graph.shape.times import show
from obo_graph.shape.tool import Workshop
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.download import is_allowed
from obo_graph.wire.graph import PersonalGraph

CONTENT_CHARS = 270_000
"""The longest `content`: 200 kB in base64."""

_CONTENT_BYTES = 200_000
_CONFLICT = "@microsoft.graph.conflictBehavior"
_ANY_TYPE = "application/octet-stream"
_EXISTS = {"$select": "id,name,folder,parentReference"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """What is to be saved where. `name` is checked."""

    name: str
    folder: Place
    if_exists: Literal["fail", "rename", "replace"]
    content: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Where it will be, unless it is renamed."""
        return self.folder.child(self.name).path


def content_bytes(content: str, encoding: Literal["text", "base64"]) -> bytes:
    """The bytes that `content` stands for.

    Raises:
        ToolError: it is no base64, no Unicode, or more than 200 kB.
    """
    try:
        decoded = content.encode() if encoding == "text" else b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise bad_argument("content", "is not what encoding says") from None
    if len(decoded) > _CONTENT_BYTES:
        raise bad_argument("content", "may have 200,000 bytes; for more use link=true")
    return decoded


async def saved(graph: PersonalGraph, new: NewFile) -> Json:
    """Save `new`, and what became of it."""
    await _check_folder(graph, new.folder)
    with maybe_saved():
        item = await graph.put(
            f"{new.path}/content", new.content, _ANY_TYPE, {_CONFLICT: new.if_exists}
        )
    return compact(
        {
            "saved": True,
            "ref": ref_of(item),
            "name": one_line(item.get("name"), 256),
            "size": item.get("size"),
            "web_url": web_url(item.get("webUrl")),
        }
    )


async def linked(shop: Workshop, graph: PersonalGraph, new: NewFile) -> Json:
    """A link by which the person sends the file that `new` describes."""
    await _check_folder(graph, new.folder)
    zone = await shop.mailboxes.zone(graph)
    body = {"item": {_CONFLICT: new.if_exists}}
    with maybe_saved():
        session = await graph.post(f"{new.path}/createUploadSession", body)
    address = session.get("uploadUrl")
    if not isinstance(address, str) or not address:
        raise GraphFailure(NO_ANSWER, "unexpected")
    if not is_allowed(address, graph.transport.origin, graph.upload_hosts):
        raise GraphFailure(NO_ANSWER, "foreign_upload_host")
    link = shop.links.upload(address, new.name, graph.person)
    return {
        "upload_link": link.url,
        "link_ends": show(link.ends, zone),
        "name": new.name,
        "max_bytes": MOST_BYTES,
    }


async def foreseen(graph: PersonalGraph, new: NewFile) -> Json:
    """What saving `new` would do; nothing is changed.

    Raises:
        ToolError: the name is taken, and nothing was said about that.
        GraphFailure: there is no such folder, or Graph does not say.
    """
    await _check_folder(graph, new.folder)
    there = await _there(graph, new.path)
    if there and (new.if_exists == "fail" or "folder" in there):
        raise name_taken()
    action = {"rename": "create under another name", "replace": "replace"}
    would = {
        "action": action.get(new.if_exists, "create") if there else "create",
        "name": new.name,
        "size": len(new.content) or None,
        "replaces": ref_of(there) if new.if_exists == "replace" else "",
    }
    return {"dry_run": True, "would": compact(would)}


async def _check_folder(graph: PersonalGraph, folder: Place) -> None:
    """OneDrive makes the folders of a path that it does not know: a slip would make a new one."""
    found = await graph.get(folder.path, {"$select": "id,name,folder"})
    if "folder" not in found:
        raise bad_argument("folder", "is a file; pass the folder in which it is to be saved")


async def _there(graph: PersonalGraph, path: str) -> Json:
    """The item at `path`; {} if there is none."""
    try:
        return await graph.get(path, _EXISTS)
    except GraphFailure as failure:
        if failure.status != HTTPStatus.NOT_FOUND:
            raise
        return {}
