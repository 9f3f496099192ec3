"""Replies and forwards: a draft that Exchange makes of a mail, our text above it, and its way out.

Never Graph's `/reply` or `/forward`, which send in the same request: an ambiguous answer to those
could not be looked up (see `dispatch`).
"""

from dataclasses import dataclass

from obo_graph.mail.body import above_history
from obo_graph.mail.dispatch import send_draft
from obo_graph.mail.envelope import allowed, path_of, shown
from obo_graph.mail.telling import draft_left, maybe_drafted
from obo_graph.shape.tool import Workshop
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

_SCOPES = ("Mail.ReadWrite", "Mail.Send")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What to make of the mail at `path`: `verb` is createReply, createReplyAll or createForward.

    `creating` goes with the verb; `text` is ours, as Graph's `itemBody`, {} for none.
    """

    path: str
    verb: str
    creating: Json | None
    text: Json
    send: bool


async def answer(shop: Workshop, graph: PersonalGraph, wanted: Answering) -> Json:
    """The draft, or the mail that was sent, as a model reads it.

    Raises:
        ToolError: nobody knows whether there is a draft (`maybe_drafted`) or a mail
            (`maybe_sent`); or what went wrong after the draft was made, with its id.
        GraphFailure: Graph made no draft.
    """
    with maybe_drafted():
        draft = await graph.post(
            f"{wanted.path}/{wanted.verb}", wanted.creating, prefer=(IMMUTABLE_IDS,)
        )
        path = path_of(draft)
    draft_id = str(draft["id"])
    with draft_left(draft_id, *_SCOPES):
        if wanted.text:
            body = draft.get("body") or await _body(graph, path)
            text = {"body": above_history(body, wanted.text)}
            await graph.patch(path, text, prefer=(IMMUTABLE_IDS,))
        warnings = await allowed(shop, graph, draft)
        if draft.get("hasAttachments") is True:
            warnings.append("Attachments go along.")
        if not wanted.send:
            extra = {"warnings": warnings}
            return {"draft": True} | shown(draft, extra, shop.settings.result_budget_bytes)
        return await send_draft(shop, graph, draft_id)


async def _body(graph: PersonalGraph, path: str) -> object:
    message = await graph.get(path, {"$select": "body"}, prefer=(IMMUTABLE_IDS,))
    return message.get("body")
