"""The text of a drive item: how much of it is fetched, and what reads it."""

from http import HTTPStatus

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.documents import kinds, plain
from obo_graph.documents.extract import Extract, Unreadable
from obo_graph.documents.reader import Reader, text_of
from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument, told, unsupported
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.download import FileBytes
from obo_graph.wire.drive_bytes import DriveBytes, address_of
from obo_graph.wire.graph import PersonalGraph

_VIA_PDF = "doc dot dotx odp odt pot potm potx pps ppsm ppsx ppt rtf"
CONVERTED = frozenset(_VIA_PDF.split())
"""Endings that Graph makes a PDF of, and that we cannot read (Graph, "Download a file in another
format").
"""

_MOST_BYTES = 20 * 1024 * 1024
_READABLE = f"Readable: {kinds.KINDS}, and through a PDF doc, odt, rtf, ppt, odp."
_TOO_LARGE = "Files of more than 20 MB are not read. Tell the person."


async def words_of(
    reader: Reader, graph: PersonalGraph, path: str, file: Json, *, pages: str, chars: int
) -> Extract:
    """At least the first `chars` characters of `file` at `path`, or of the `pages` of it.

    Raises:
        ToolError: it has no text that can be read, or no such pages.
        GraphFailure: Graph, or the host where the file lies, does not give it.
    """
    name = str(file.get("name") or "")
    ending = kinds.ending_of(name)
    got = await _fetched(graph, path, file, ending, chars)
    if not got.complete and ending not in plain.TEXT:
        raise unsupported(_TOO_LARGE)
    read_as = f"{name}.pdf" if ending in CONVERTED else name
    try:
        found = await text_of(
            reader, read_as, got.content, pages=pages, first_chars=chars, complete=got.complete
        )
    except Unreadable as reason:
        raise _told(reason) from None
    if not got.complete and len(found.text) < chars:
        raise unsupported("Only the first 20 MB of a text can be read. Tell the person.")
    return found


async def _fetched(
    graph: PersonalGraph, path: str, file: Json, ending: str, chars: int
) -> FileBytes:
    if "folder" in file or ending not in plain.TEXT | kinds.PARSED | CONVERTED:
        kind = "a folder" if "folder" in file else f"a file of type {one_line(ending, 10) or '?'}"
        raise unsupported(f"This is {kind}. {_READABLE}")
    if ending in CONVERTED:
        return await _as_pdf(graph, path)
    most = plain.bytes_for(ending, chars) if ending in plain.TEXT else _MOST_BYTES
    size = file.get("size")
    if ending not in plain.TEXT and isinstance(size, int) and size > most:
        raise unsupported(_TOO_LARGE)
    return await DriveBytes(graph, path, await address_of(graph, path, file)).piece(most)


async def _as_pdf(graph: PersonalGraph, path: str) -> FileBytes:
    try:
        address = await graph.content_address(f"{path}/content?format=pdf")
    except GraphFailure as failure:
        if failure.status != HTTPStatus.NOT_ACCEPTABLE:
            raise
        raise unsupported("Graph makes no PDF of this file, and we cannot read it.") from None
    if not address:
        raise GraphFailure(NO_ANSWER, "unexpected")
    return await graph.download(address, _MOST_BYTES)


def _told(reason: Unreadable) -> ToolError:
    if reason.reason == "pages":
        return bad_argument("pages", "names none of this file's pages, slides or sheets")
    if reason.reason == "busy":
        return told("busy", str(reason), retry_after_s=5)
    return unsupported(f"{reason} {_READABLE if reason.reason == 'unsupported' else ''}".strip())
