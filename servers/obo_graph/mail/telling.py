"""What a model is told when something with a mail goes wrong halfway."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import GraphFailure, told, told_to_model
from obo_graph.wire.answer import Json
from obo_mcp import OboError

_GO_ON = (
    "The draft was made, but may lack its text or attachments, and was not sent. Do not make "
    "another: look with mail_read, then go on with this draft_id in mail_draft and mail_send."
)
_NO_ACCESS = "The person's access to Graph ended midway: they may have to sign in again."


def reason(failure: GraphFailure, *scopes: str) -> Json:
    """`failure` in the words that a model would be told of it; `scopes` are what it needs."""
    try:
        with told_to_model(*scopes):
            raise failure
    except ToolError as words:
        return _read(words)


@contextmanager
def maybe_drafted() -> Iterator[None]:
    """Around the creation of a draft: an answer that got lost is no reason to make a second one.

    Raises:
        ToolError: `maybe_drafted`, after a failure that is ambiguous.
        GraphFailure: any other failure, as it is.
    """
    try:
        yield
    except GraphFailure as failure:
        if not failure.ambiguous:
            raise
        raise told(
            "maybe_drafted",
            "Graph did not answer, so the draft may exist. Nothing was sent. Look with "
            "mail_search in folder drafts before you call this again.",
        ) from None


@contextmanager
def draft_left(draft_id: str, *scopes: str) -> Iterator[None]:
    """Around what follows on a new draft: whoever reads of a failure learns that it is there.

    Raises:
        ToolError: what failed, with `draft_id` and what to do with it.
    """
    try:
        yield
    except GraphFailure as failure:
        raise told(**(reason(failure, *scopes) | {"draft_id": draft_id, "hint": _GO_ON})) from None
    except OboError as refusal:
        # As it is, it would have the client sign in and make the call again: a second draft.
        raise told(refusal.code, f"{_NO_ACCESS} {_GO_ON}", draft_id=draft_id) from None
    except ToolError as refusal:
        words = _read(refusal)
        if "draft_id" in words:
            raise
        raise told(**(words | {"draft_id": draft_id, "note": _GO_ON})) from None


def _read(refusal: ToolError) -> Json:
    words: Json = json.loads(str(refusal))
    return words
