"""A person's mail: found, read, and in two steps sent.

What happens here: flat arguments become requests below `/me/messages` and `/me/mailFolders`.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: calendars, chats and the other groups of tools; settings other than its workshop's.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.mail.read import read_tool
from obo_graph.mail.search import search_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `mail`."""
    yield search_tool(shop)
    yield read_tool(shop)
