"""The one way on which mail leaves: a draft, checked, is sent once.

Graph, "message: send" answers 202 and nothing else. Where that answer does not come, sending again
could deliver twice, so the draft is looked up instead: its immutable id stays when it is sent
(Graph, "Obtain immutable identifiers for Outlook resources").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from typing import Literal

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import GraphFailure, bad_argument, told
from obo_graph.mail.envelope import allowed, everybody, path_of, read_draft, shown
from obo_graph.shape.query import odata_text
from obo_graph.shape.result import compact
from obo_graph.shape.tool import Workshop
from obo_graph.wire.answer import Json
from obo_graph.wire.gate import Person
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import OboError

_SETTLING_SECONDS = (2.0, 4.0)

Whereabouts = Literal["sent", "draft", "unknown"]


class Outgoing:
    """The drafts that leave just now, so that two calls at one time do not both send one."""

    def __init__(self) -> None:
        self._drafts: set[tuple[Person, str]] = set()

    @contextmanager
    def alone_with(self, person: Person, draft_id: str) -> Iterator[None]:
        """Around the sending of a draft of `person`.

        Raises:
            ToolError: `being_sent`: another call is at it.
        """
        draft = (person, draft_id)
        if draft in self._drafts:
            raise told(
                "being_sent",
                "Another call is sending this draft just now. Do not send it again: wait for what "
                "that call says, or see with mail_read whether it is a draft still.",
                draft_id=draft_id,
            )
        self._drafts.add(draft)
        try:
            yield
        finally:
            self._drafts.discard(draft)


async def send_draft(
    shop: Workshop, graph: PersonalGraph, draft_id: str, *, dry_run: bool = False
) -> Json:
    """Send the draft `draft_id`, and show what was sent.

    Raises:
        ToolError: it is no draft, has recipients whom the operator does not allow, or none; or it
            was not sent (`not_sent`), or nobody knows (`maybe_sent`).
        GraphFailure: Graph refused.
    """
    draft = await read_draft(graph, draft_id)
    warnings = await allowed(shop, graph, draft)
    if not everybody(draft):
        raise bad_argument("draft_id", "is a draft without recipients; add them with mail_draft")
    if draft.get("hasAttachments") is True:
        warnings.append("Attachments go along.")
    if dry_run:
        would = {"send": shown(draft, {}, shop.settings.result_budget_bytes // 2)}
        return compact({"dry_run": True, "would": would, "warnings": warnings})
    try:
        await graph.post_once(f"{path_of(draft)}/send")
    except GraphFailure as failure:
        if not (failure.ambiguous or failure.status == HTTPStatus.TOO_MANY_REQUESTS):
            raise
        whereabouts = await _looked_up(graph, draft, failure)
        if whereabouts != "sent":
            raise _unsent(whereabouts, failure, draft_id) from None
    mail = {name: draft[name] for name in draft if name != "webLink"}
    extra = {"warnings": warnings}
    return {"sent": True} | shown(mail, extra, shop.settings.result_budget_bytes)


async def _looked_up(graph: PersonalGraph, draft: Json, failure: GraphFailure) -> Whereabouts:
    found = await _look(graph, draft)
    if not failure.ambiguous:
        # A 429 is the one failure that proves that nothing was done.
        return "sent" if found == "sent" else "draft"
    for seconds in _SETTLING_SECONDS:
        if found == "sent":
            break
        # What Exchange took in before the connection broke, it may be about to send or file.
        await graph.patience.wait(seconds)
        found = await _look(graph, draft)
    return found


async def _look(graph: PersonalGraph, draft: Json) -> Whereabouts:
    try:
        return await _whereabouts(graph, draft)
    except (GraphFailure, OboError):
        # Not even a new sign-in may be asked for: with it, the client would make the call again.
        return "unknown"


async def _whereabouts(graph: PersonalGraph, draft: Json) -> Whereabouts:
    try:
        message = await graph.get(
            path_of(draft), {"$select": "id,isDraft"}, prefer=(IMMUTABLE_IDS,)
        )
    except GraphFailure as failure:
        if failure.status != HTTPStatus.NOT_FOUND:
            raise
        return await _among_sent(graph, draft)
    is_draft = message.get("isDraft")
    return "unknown" if not isinstance(is_draft, bool) else "draft" if is_draft else "sent"


async def _among_sent(graph: PersonalGraph, draft: Json) -> Whereabouts:
    name = draft.get("internetMessageId")
    if not isinstance(name, str) or not name:
        return "unknown"
    found = await graph.get(
        "/me/mailFolders/sentitems/messages",
        {"$filter": f"internetMessageId eq {odata_text(name)}", "$select": "id", "$top": "1"},
        prefer=(IMMUTABLE_IDS,),
    )
    return "sent" if found.get("value") else "unknown"


def _unsent(whereabouts: Whereabouts, failure: GraphFailure, draft_id: str) -> ToolError:
    wait = failure.retry_after_seconds
    if whereabouts == "unknown":
        return told(
            "maybe_sent",
            "Graph did not answer and the mail cannot be found: it may have been sent. Do not send "
            "or write it again. Look with mail_search in folder sentitems and in drafts, and tell "
            "the person.",
            draft_id=draft_id,
        )
    if failure.ambiguous:
        return told(
            "not_sent",
            "Graph did not confirm and the mail is still a draft: not sent so far. Wait a minute, "
            "then see with mail_read whether it is a draft still, before you send it again.",
            draft_id=draft_id,
        )
    return told(
        "not_sent",
        "The mailbox is busy: the mail is a draft still and was not sent. Wait retry_after_s "
        "seconds, then call mail_send with this draft_id.",
        draft_id=draft_id,
        retry_after_s=None if wait is None else ceil(wait),
    )
