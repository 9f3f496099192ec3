"""Drafts made and changed: what a model wants of a mail becomes properties of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from obo_graph.errors import GraphFailure, bad_argument, told
from obo_graph.mail.attach import AttachedFile, attach, files_at, paths_of
from obo_graph.mail.body import instead_of_text, outgoing
from obo_graph.mail.envelope import allowed, path_of, read_draft, shown
from obo_graph.mail.fields import BodyType, Importance
from obo_graph.mail.telling import draft_left, maybe_drafted
from obo_graph.shape import ids
from obo_graph.shape.addresses import parse_people
from obo_graph.shape.result import compact
from obo_graph.shape.tool import Workshop
from obo_graph.text import sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

NOBODY = ("none",)
"""In place of addresses: take away all that are there."""

_WRITES = "Mail.ReadWrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The arguments of one `mail_draft`; what is empty stays as it is in a draft that exists."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    body: str
    body_type: BodyType
    importance: Importance
    attach_files: tuple[str, ...]
    draft_id: str
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A `Wish` whose arguments are well-formed."""

    properties: Json
    paths: Sequence[str]
    wish: Wish


def order_of(wish: Wish) -> Order:
    """What `wish` asks for, checked as far as that goes without Graph.

    Raises:
        ToolError: an argument is malformed.
    """
    if wish.draft_id:
        ids.segment("draft_id", wish.draft_id)
    properties: Json = {}
    for name, people in (("to", wish.to), ("cc", wish.cc), ("bcc", wish.bcc)):
        if people:
            found = [] if people == NOBODY else parse_people(name, people)
            properties[f"{name}Recipients"] = [person.recipient() for person in found]
    subject = " ".join(sendable(wish.subject).split())
    if subject:
        properties["subject"] = subject
    if wish.body:
        properties["body"] = outgoing(wish.body, wish.body_type)
    if wish.importance != "any":
        properties["importance"] = wish.importance
    return Order(properties=properties, paths=paths_of(wish.attach_files), wish=wish)


async def carry_out(shop: Workshop, graph: PersonalGraph, order: Order) -> Json:
    """The draft that `order` asks for, made or changed, as a model reads it.

    Raises:
        ToolError: the operator does not allow its recipients, a file cannot be attached, or
            nobody knows whether it was made (`maybe_drafted`).
        GraphFailure: Graph refused.
    """
    before: Json = {}
    if order.wish.draft_id:
        if not (order.properties or order.paths):
            raise bad_argument("draft_id", "is given, but nothing to change")
        before = await read_draft(graph, order.wish.draft_id, "body")
    warnings = await allowed(shop, graph, before | order.properties)
    files = await files_at(graph, order.paths)
    if order.wish.dry_run:
        return _rehearsed(shop, before, order, files, warnings)
    if before:
        draft = await _changed(graph, before, order.properties)
    else:
        draft = await _made(graph, order.properties)
    with draft_left(str(draft.get("id")), _WRITES):
        outcome = await attach(graph, path_of(draft), files)
        extra = {**outcome, "warnings": warnings}
        return {"draft": True} | shown(draft, extra, shop.settings.result_budget_bytes)


async def _made(graph: PersonalGraph, properties: Json) -> Json:
    with maybe_drafted():
        draft = await graph.post("/me/messages", properties, prefer=(IMMUTABLE_IDS,))
        path_of(draft)
        return draft


async def _changed(graph: PersonalGraph, before: Json, properties: Json) -> Json:
    if not properties:
        return before
    change = dict(properties)
    if "body" in change:
        change["body"] = instead_of_text(before.get("body"), change["body"])
    etag = str(before.get("@odata.etag") or "")
    try:
        after = await graph.patch(path_of(before), change, etag=etag, prefer=(IMMUTABLE_IDS,))
    except GraphFailure as failure:
        if failure.status == HTTPStatus.PRECONDITION_FAILED:
            raise told(
                "changed_meanwhile",
                "Somebody changed the draft in this moment, the person perhaps. Read it with "
                "mail_read, then call again.",
            ) from None
        if failure.ambiguous:
            raise told(
                "maybe_changed",
                "Graph did not answer: the draft may be changed or not. Nothing was sent. The "
                "same call can be made again.",
            ) from None
        raise
    return before | properties | after


def _rehearsed(
    shop: Workshop, before: Json, order: Order, files: Sequence[AttachedFile], warnings: list[str]
) -> Json:
    kept = {name: before[name] for name in before if name != "webLink"}
    names = [file.name for file in files]
    extra = {"body_chars": len(order.wish.body), "attach": names}
    would = shown(kept | order.properties, extra, shop.settings.result_budget_bytes // 2)
    what = "change_draft" if before else "create_draft"
    return compact({"dry_run": True, "would": {what: would}, "warnings": warnings})
