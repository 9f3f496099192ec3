"""Tasks: Microsoft To Do and Planner.

What happens here: lists and plans become rows; tasks are made and changed by flat arguments.
May import: the rooms below (`shape`, `wire`, `documents`), `obo_graph.text`, `obo_graph.errors`.
Must not know: mail, calendars and the other groups of tools.
"""

from collections.abc import Iterator

from mcp.server.mcpserver.tools import Tool

from obo_graph.shape.tool import Workshop
from obo_graph.tasks.create import create_tool
from obo_graph.tasks.listing import list_tool
from obo_graph.tasks.update import update_tool


def tools(shop: Workshop) -> Iterator[Tool]:
    """The tools of the group `tasks`."""
    yield list_tool(shop)
    yield create_tool(shop)
    yield update_tool(shop)
