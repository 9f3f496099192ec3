"""The way out for what no tool covers: one GET of Graph, within walls.

What happens here: a path and options that a model wrote are taken apart and written anew.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: the groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.raw.get import get_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `graph`."""
    yield get_tool(shop)
