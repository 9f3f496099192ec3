"""Files in OneDrive and SharePoint.

What happens here: refs and paths become drive items; their text is read out of what they hold.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, calendars and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.files.read import read_tool
from obo_graph.files.search import search_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `files`."""
    yield search_tool(shop)
    yield read_tool(shop)
