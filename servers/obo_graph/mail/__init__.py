"""A person's mail: found, read, and in two steps sent.

What happens here: flat arguments become requests below `/me/messages` and `/me/mailFolders`.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`,
nh3, which cleans the HTML that leaves, and anyio, to have that done beside the event loop.
Must not know: calendars, chats and the other groups of tools; settings other than its workshop's.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.mail.attachment_read import attachment_read_tool
from obo_graph.mail.draft import draft_tool
from obo_graph.mail.folders import folders_tool
from obo_graph.mail.forward import forward_tool
from obo_graph.mail.move import move_tool
from obo_graph.mail.read import read_tool
from obo_graph.mail.reply import reply_tool
from obo_graph.mail.search import search_tool
from obo_graph.mail.send import send_tool
from obo_graph.mail.update import update_tool
from obo_graph.shape.tool import Workshop

_MAKERS = (
    search_tool,
    read_tool,
    folders_tool,
    attachment_read_tool,
    draft_tool,
    send_tool,
    reply_tool,
    forward_tool,
    move_tool,
    update_tool,
)


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `mail`."""
    return (make(shop) for make in _MAKERS)
