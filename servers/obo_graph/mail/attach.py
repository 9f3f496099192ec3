"""Files from OneDrive and SharePoint on their way into a draft, past the model.

Graph, "Attach large files to Outlook messages or events": below 3 MB in one request, up to 150 MB
through an upload session on the draft.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument, told_to_model
from obo_graph.mail.telling import reason
from obo_graph.shape import ids
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.drive_bytes import ADDRESS, DriveBytes, address_of
from obo_graph.wire.graph import PersonalGraph
from obo_graph.wire.upload import PART_UNIT_BYTES, Source

_ARGUMENT = "attach_files"
_READS_FILES = "Files.Read.All"
_IN_ONE_BYTES = 3 * 1024 * 1024
_MOST_BYTES = 150 * 1024 * 1024
_PART_BYTES = 10 * PART_UNIT_BYTES
_FILE = {"$select": f"id,name,size,file,folder,{ADDRESS}"}
_ANY_TYPE = "application/octet-stream"
_CERTAIN = frozenset(
    {"address_refused", "download_failed", "foreign_host", "foreign_upload_host", "no_ranges"}
)
_UNSURE = "No answer came: it may be attached or not. See the attachments with mail_read."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file that can be attached; its bytes are read when they are needed."""

    name: str
    content_type: str
    size_bytes: int
    content: DriveBytes


def paths_of(refs: Iterable[str]) -> list[str]:
    """The paths of the drive items that `refs` (`driveId/itemId`) name, each once.

    Raises:
        ToolError: one of them is no ref.
    """
    pairs = [ids.drive_item(_ARGUMENT, ref) for ref in refs]
    return list(dict.fromkeys(f"/drives/{drive}/items/{item}" for drive, item in pairs))


async def files_at(graph: PersonalGraph, paths: Iterable[str]) -> list[AttachedFile]:
    """The files at `paths`, of which nothing but name, size and place was read so far.

    Raises:
        ToolError: one is missing, may not be read, is a folder or too large.
    """
    with told_to_model(_READS_FILES):
        return [await _file(graph, path) for path in paths]


async def attach(graph: PersonalGraph, message_path: str, files: Sequence[AttachedFile]) -> Json:
    """Attach `files` to the draft at `message_path`; says which are on it, and why others not."""
    attached: list[str] = []
    failed: list[Json] = []
    for file in files:
        try:
            await _attach(graph, message_path, file)
        except GraphFailure as failure:
            failed.append({"name": file.name, **_why(failure)})
        else:
            attached.append(file.name)
    return {"attached": attached, "not_attached": failed}


def _why(failure: GraphFailure) -> Json:
    words = reason(failure, "Mail.ReadWrite")
    unsure = failure.ambiguous and failure.code not in _CERTAIN
    return {"error": words["error"], "hint": _UNSURE if unsure else words["hint"]}


async def _file(graph: PersonalGraph, path: str) -> AttachedFile:
    item = await graph.get(path, _FILE)
    name, size = one_line(item.get("name"), 255), item.get("size")
    facet = item.get("file")
    if not isinstance(facet, dict):
        raise bad_argument(_ARGUMENT, "names a folder; only files can be attached")
    if not name or not isinstance(size, int) or size < 0:
        raise GraphFailure(NO_ANSWER, "unexpected")
    if size > _MOST_BYTES:
        raise bad_argument(_ARGUMENT, "names a file above 150 MB; share it with files_share")
    return AttachedFile(
        name=name,
        content_type=one_line(facet.get("mimeType"), 128) or _ANY_TYPE,
        size_bytes=size,
        content=DriveBytes(graph, path, await address_of(graph, path, item)),
    )


async def _attach(graph: PersonalGraph, message_path: str, file: AttachedFile) -> None:
    if file.size_bytes >= _IN_ONE_BYTES:
        await _attach_in_parts(graph, message_path, file)
        return
    content = await _piece(file, 0, file.size_bytes)
    await graph.post(
        f"{message_path}/attachments",
        {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": file.name,
            "contentType": file.content_type,
            "contentBytes": b64encode(content).decode(),
        },
    )


async def _attach_in_parts(graph: PersonalGraph, message_path: str, file: AttachedFile) -> None:
    item = {"attachmentType": "file", "name": file.name, "size": file.size_bytes}
    session = await graph.post(
        f"{message_path}/attachments/createUploadSession", {"AttachmentItem": item}
    )

    async def read(start: int, end: int) -> bytes:
        return await _piece(file, start, end)

    source = Source(size_bytes=file.size_bytes, read=read)
    await graph.upload(str(session.get("uploadUrl", "")), source, part_bytes=_PART_BYTES)


async def _piece(file: AttachedFile, start: int, end: int) -> bytes:
    if start == end:
        return b""
    got = await file.content.piece(end - start, start=start)
    if len(got.content) != end - start:
        # Somebody changed the file meanwhile: no half of each.
        raise GraphFailure(NO_ANSWER, "download_failed")
    return got.content
