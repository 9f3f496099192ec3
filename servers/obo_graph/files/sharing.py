"""How an item gets shared (Graph, "driveItem: invite" and "driveItem: createLink")."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from obo_graph.errors import bad_argument, unsupported
from obo_graph.files.fields import web_url
from obo_graph.files.query import ref_of
from obo_graph.files.telling import maybe_shared
from obo_graph.shape.addresses import Person
from obo_graph.shape.paging import objects
from obo_graph.shape.times import parse, read, show, to_odata
from obo_graph.shape.tool import Workshop
from obo_graph.text import one_line, sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph

ITEM = {"$select": "id,name,folder,root,parentReference,webUrl"}
"""What is read of an item before it is shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """With whom, and how. Without people it is a link for the organisation, or for `anyone`."""

    people: tuple[Person, ...] = ()
    edit: bool = False
    anyone: bool = False
    notify: bool = False
    message: str = ""
    expires: datetime | None = None
    zone: tzinfo = UTC

    @property
    def audience(self) -> str:
        """`people`, or the scope of the link as Graph names it."""
        if self.people:
            return "people"
        return "anonymous" if self.anyone else "organization"


_LAST_ZONE = timezone(timedelta(hours=-12))
"""Where a day ends last."""

_SHOWN_PEOPLE = 20


def check(wanted: Share, expires: str, now: float, shop: Workshop) -> None:
    """What can be told before the person's zone is known; `now` in seconds since the epoch.

    Raises:
        ToolError: `wanted` or `expires` makes no sense here; the text says why.
    """
    if wanted.anyone and wanted.people:
        raise bad_argument("anyone", "cannot go with people; share with one or the other")
    if wanted.anyone and not shop.settings.anonymous_links:
        raise unsupported(
            "The operator allows no links that open for everybody. Share with people, or leave "
            "anyone out for a link that opens inside the organisation."
        )
    if wanted.notify and not wanted.people:
        raise bad_argument("notify", "needs people to notify")
    if wanted.message and not wanted.notify:
        raise bad_argument("message", "goes only into the mail of notify=true")
    until(wanted, expires, _LAST_ZONE, now)


def until(wanted: Share, expires: str, zone: tzinfo, now: float) -> Share:
    """`wanted` until the moment that `expires` names to somebody in `zone`; "" is for ever.

    Raises:
        ToolError: it names none, or one gone by.
    """
    if not expires:
        return wanted
    moment = parse("expires", expires, zone, end_of_day=True)
    if moment.timestamp() <= now:
        raise bad_argument("expires", "lies in the past")
    return replace(wanted, expires=moment, zone=zone)


async def share(
    graph: PersonalGraph, path: str, item: Json, wanted: Share, *, dry_run: bool
) -> tuple[Json, list[str]]:
    """Share the `item` at `path`, or with `dry_run` only say what would happen; and warnings.

    Raises:
        ToolError: `item` is a whole drive, or it is open whether it was shared.
        GraphFailure: Graph refused.
    """
    if "root" in item:
        raise bad_argument("item", "is a whole drive; share a file or folder in it")
    shown: Json = {
        "ref": ref_of(item),
        "name": one_line(item.get("name"), 256),
        "type": "folder" if "folder" in item else "file",
        "access": "edit" if wanted.edit else "view",
        "audience": wanted.audience,
        "people": [person.address for person in wanted.people[:_SHOWN_PEOPLE]],
        "more_people": len(wanted.people[_SHOWN_PEOPLE:]) or None,
        "expires": show(wanted.expires, wanted.zone),
        "notify": wanted.notify,
    }
    warnings = _own_warnings(item, wanted)
    if dry_run:
        return shown, warnings
    with maybe_shared():
        way = _invited if wanted.people else _linked
        done, more = await way(graph, path, wanted)
    link = done.get("link") or web_url(item.get("webUrl"))
    return shown | done | {"link": link}, warnings + more


def _own_warnings(item: Json, wanted: Share) -> list[str]:
    warnings = []
    if "folder" in item:
        warnings.append("Everything in this folder, now and later, is shared with it.")
    if wanted.anyone:
        warnings.append("Whoever gets hold of the link can open it without signing in.")
    return warnings


def _until(wanted: Share) -> Json:
    return {"expirationDateTime": to_odata(wanted.expires)} if wanted.expires else {}


async def _invited(graph: PersonalGraph, path: str, wanted: Share) -> tuple[Json, list[str]]:
    body: Json = {
        "recipients": [{"email": person.address} for person in wanted.people],
        "roles": ["write" if wanted.edit else "read"],
        "requireSignIn": True,
        "sendInvitation": wanted.notify,
        **({"message": sendable(wanted.message)} if wanted.message else {}),
        **_until(wanted),
    }
    # Never twice: it may send mail.
    answer = await graph.post_once(f"{path}/invite", body)
    granted = objects(answer.get("value"))
    failed = sum(isinstance(permission.get("error"), dict) for permission in granted)
    return {}, [f"Graph could not share it with {failed} of them."] if failed else []


async def _linked(graph: PersonalGraph, path: str, wanted: Share) -> tuple[Json, list[str]]:
    body = {
        "type": "edit" if wanted.edit else "view",
        "scope": wanted.audience,
        **_until(wanted),
    }
    permission = await graph.post(f"{path}/createLink", body)
    link = permission.get("link")
    address = web_url(link.get("webUrl")) if isinstance(link, dict) else ""
    ends = read(permission.get("expirationDateTime"))
    warnings = [] if address else ["Graph gave no link; the person finds it in the web."]
    if wanted.expires and ends != wanted.expires:
        warnings.append("The organisation's own rules decide when this link ends: see expires.")
    return {"link": address, "expires": show(ends, wanted.zone)}, warnings
