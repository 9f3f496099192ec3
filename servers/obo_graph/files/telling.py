"""What a model is told when something with a file goes wrong halfway."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import GraphFailure, bad_argument, told


@contextmanager
def maybe_saved() -> Iterator[None]:
    """Around the request that saves a file.

    Raises:
        ToolError: the name is taken, or no answer came and the file may be there.
        GraphFailure: any other failure, as it is.
    """
    try:
        yield
    except GraphFailure as failure:
        if failure.status == HTTPStatus.CONFLICT:
            raise name_taken() from None
        if not failure.ambiguous:
            raise
        raise told(
            "maybe_saved",
            "Graph did not answer, so the file may be there or not. Look with files_list before "
            "you call this again.",
        ) from None


@contextmanager
def maybe_shared() -> Iterator[None]:
    """Around the request that shares an item.

    Raises:
        ToolError: no answer came, and it may be shared.
        GraphFailure: any other failure, as it is.
    """
    try:
        yield
    except GraphFailure as failure:
        if not failure.ambiguous:
            raise
        raise told(
            "maybe_shared",
            "Graph did not answer, so the item may be shared now, and invitations may be on their "
            "way. Do not repeat it: tell the person to look at its sharing in the web.",
        ) from None


def name_taken() -> ToolError:
    """There is an item of that name already, and the model did not say what then."""
    return bad_argument(
        "name", "is taken in this folder; pass if_exists rename or replace, or another name"
    )
