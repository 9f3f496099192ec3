"""The bytes of a file in OneDrive or SharePoint: where they lie, and pieces of them.

Graph, "Download the contents of a driveItem": the address opens the file for minutes only.
"""

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Json
from obo_graph.wire.download import FileBytes
from obo_graph.wire.graph import PersonalGraph

ADDRESS = "@microsoft.graph.downloadUrl"
"""The property of a drive item that holds the address; not for showing to anybody."""

_ITEM = {"$select": f"id,{ADDRESS}"}


async def address_of(graph: PersonalGraph, path: str, item: Json | None = None) -> str:
    """Where the bytes of the drive item at `path` lie; `item` is the item, if it was just read.

    Raises:
        GraphFailure: there is no such item, or it has no bytes (`unexpected`).
    """
    known = await graph.get(path, _ITEM) if item is None else item
    address = known.get(ADDRESS) or await graph.content_address(f"{path}/content")
    if not isinstance(address, str) or not address:
        raise GraphFailure(NO_ANSWER, "unexpected")
    return address


class DriveBytes:
    """Reads the file at `path` piece by piece, and asks for a fresh address where one expires."""

    def __init__(self, graph: PersonalGraph, path: str, address: str) -> None:
        self._graph = graph
        self._path = path
        self._address = address

    async def piece(self, most: int, *, start: int = 0) -> FileBytes:
        """At most `most` bytes from byte `start` on.

        Raises:
            GraphFailure: the host gives them neither at this address nor at a fresh one.
        """
        try:
            return await self._graph.download(self._address, most, start=start)
        except GraphFailure as failure:
            if failure.code != "address_refused":
                raise
        self._address = await address_of(self._graph, self._path)
        return await self._graph.download(self._address, most, start=start)
