"""One search over mail, events, files, sites and Teams messages.

What happens here: Microsoft Search is asked, one kind after the other, and its hits get short.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, files and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.search.everything import search_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `search`."""
    yield search_tool(shop)
