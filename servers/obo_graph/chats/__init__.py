"""Teams chats.

What happens here: chats and their messages become rows and text; a message leaves at most once.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, people and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.chats.listing import list_tool
from obo_graph.chats.read import read_tool
from obo_graph.chats.send import send_tool
from obo_graph.shape.tool import Workshop


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `chats`."""
    yield list_tool(shop)
    yield read_tool(shop)
    yield send_tool(shop)
