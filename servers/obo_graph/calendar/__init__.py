"""A person's calendar.

What happens here: days and moments become calendar views and events.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, files and the other groups of tools; settings other than its workshop's.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.calendar.cancel import cancel_tool
from obo_graph.calendar.create import create_tool
from obo_graph.calendar.find_times import find_times_tool
from obo_graph.calendar.free_busy import free_busy_tool
from obo_graph.calendar.get import get_tool
from obo_graph.calendar.respond import respond_tool
from obo_graph.calendar.update import update_tool
from obo_graph.calendar.view import view_tool
from obo_graph.shape.tool import Workshop

_MAKERS = (
    view_tool,
    get_tool,
    free_busy_tool,
    find_times_tool,
    create_tool,
    update_tool,
    cancel_tool,
    respond_tool,
)


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `calendar`."""
    return (make(shop) for make in _MAKERS)
