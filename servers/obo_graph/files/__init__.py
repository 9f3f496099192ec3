"""Files in OneDrive and SharePoint.

What happens here: refs, paths and page addresses become drive items; they are listed, read, saved
and shared.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, calendars and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.files.get import get_tool
from obo_graph.files.listing import list_tool
from obo_graph.files.read import read_tool
from obo_graph.files.search import search_tool
from obo_graph.files.share import share_tool
from obo_graph.files.upload import upload_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `files`."""
    yield search_tool(shop)
    yield list_tool(shop)
    yield get_tool(shop)
    yield read_tool(shop)
    yield upload_tool(shop)
    yield share_tool(shop)
