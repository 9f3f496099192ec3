"""Who the person is, and whom they may mean.

What happens here: `/me`, and a search for people that resolves nothing silently.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, files and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.people.search import search_tool
from obo_graph.people.whoami import whoami_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `people`."""
    yield whoami_tool(shop)
    yield search_tool(shop)
