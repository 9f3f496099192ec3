"""Chats are read, started and written to.

Sources: Graph "chats: list", "chat: get", "chat: list members", "chat: list messages",
"chat: send message", "chat: post" pages.
"""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from obo_tenant.graph.chat_view import (
    CHAT_PROPERTIES,
    chat_json,
    member_json,
    message_json,
)
from obo_tenant.graph.chats import Chat, ChatMessage, Chats, Member, pair_id
from obo_tenant.graph.conditional import created
from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.given import as_list, as_object, as_text, one_of, own_members, read_object
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.seed.chats import find_member
from obo_tenant.graph.teams_pace import TeamsPace
from obo_tenant.graph.visit import Operation, Visit, operations

_LARGEST_PAGE = 50
_LONGEST_TEXT = 28 * 1024
_THREAD = re.compile(r"19:[A-Za-z0-9_.-]{1,200}@(?:unq\.gbl\.spaces|thread\.(?:v2|tacv2|skype))")
_BIND = re.compile(r"https?://[^/]+/v1\.0/users(?:/([^/'()]+)|\('((?:[^']|'')+)'\))", re.IGNORECASE)
_LATEST_FIRST = "lastmessagepreview/createddatetime desc"
_SENT = ("body", "subject", "importance", "attachments", "mentions", "hostedContents", "summary")

_CHAT_FIELDS = fields(
    "chat",
    (
        Field("topic", "Edm.String", lambda c: c.topic),
        Field("chatType", "Edm.String", lambda c: c.kind),
        Field("lastUpdatedDateTime", "Edm.DateTimeOffset", lambda c: c.touched),
    ),
)
_MESSAGE_FIELDS = fields(
    "chatMessage",
    (
        Field("createdDateTime", "Edm.DateTimeOffset", lambda m: m.at),
        Field("lastModifiedDateTime", "Edm.DateTimeOffset", lambda m: m.at),
    ),
)


@dataclass(frozen=True, slots=True)
class ChatRoutes:
    """The endpoints of chats."""

    chats: Chats
    pace: TeamsPace = field(default_factory=TeamsPace)

    def operations(self) -> tuple[Operation, ...]:
        """All of them, under `/chats` and under `/me/chats`."""
        return tuple(
            operation
            for below in ("", "me")
            for scopes, method, path, answer in self._table()
            for operation in operations("teams", scopes, (path, answer), below=below, method=method)
        )

    def _table(self) -> tuple[tuple[str, str, str, Any], ...]:
        basic = "Chat.ReadBasic Chat.Read Chat.ReadWrite"
        full, write = "Chat.Read Chat.ReadWrite", "ChatMessage.Send Chat.ReadWrite"
        members = f"ChatMember.Read ChatMember.ReadWrite {basic}"
        return (
            (basic, "GET", "chats", self.list_chats),
            (basic, "GET", "chats/{chat}", self.get_chat),
            (members, "GET", "chats/{chat}/members", self.list_members),
            (full, "GET", "chats/{chat}/messages", self.list_messages),
            (full, "GET", "chats/{chat}/messages/{message}", self.get_message),
            (write, "POST", "chats/{chat}/messages", self.send),
            ("Chat.Create Chat.ReadWrite", "POST", "chats", self.start),
        )

    def list_chats(self, visit: Visit) -> Response:
        """The chats of the caller, the one with the newest message first."""
        self.pace.step(visit, "list", visit.owner.profile.oid)
        options = visit.options
        _only(visit, "$expand", "$filter", "$orderby", "$top", "$skiptoken", "$select")
        expand = _expanded(visit)
        found = self.chats.of(visit.owner.profile)
        if options.filter is not None:
            found = list(filter(parse_filter(options.filter, _CHAT_FIELDS).matches, found))
        if " ".join((options.order_by or _LATEST_FIRST).split()).casefold() != _LATEST_FIRST:
            raise bad_request(
                "Only 'lastMessagePreview/createdDateTime desc' is supported in $orderby."
            )
        found.sort(key=lambda each: (each.touched, each.id), reverse=True)
        size = page_size(options, default=20, maximum=_LARGEST_PAGE, preferred=None)
        page = cut(found, options, size=size, by="$skiptoken")
        new, me = _knows_new_kinds(visit), visit.owner.profile.oid
        shown = [
            show(chat_json(each, me, expand, new_kinds=new), options.select, always=("id",))
            for each in page.items
        ]
        return visit.many(visit.context("chats"), page, shown)

    def get_chat(self, visit: Visit) -> Response:
        """One chat."""
        shown = chat_json(
            self._chat(visit),
            visit.owner.profile.oid,
            _expanded(visit),
            new_kinds=_knows_new_kinds(visit),
        )
        context = visit.context("chats/$entity")
        return visit.one(context, show(shown, visit.options.select, always=("id",)))

    def list_members(self, visit: Visit) -> Response:
        """Who is in a chat."""
        chat = self._chat(visit)
        page = cut(chat.members, visit.options, size=100, by="$skiptoken")
        shown = [member_json(chat, each) for each in page.items]
        return visit.many(visit.context(f"chats('{chat.id}')/members"), page, shown)

    def list_messages(self, visit: Visit) -> Response:
        """The messages of a chat, newest first; system entries are among them."""
        chat, options = self._chat(visit), visit.options
        self.pace.step(visit, "read", chat.id)
        _only(visit, "$filter", "$orderby", "$top", "$skiptoken")
        found = _wanted(chat, options.filter, options.order_by or "lastModifiedDateTime desc")
        size = page_size(options, default=20, maximum=_LARGEST_PAGE, preferred=None)
        page = cut(found, options, size=size, by="$skiptoken")
        new_kinds = _knows_new_kinds(visit)
        shown = [message_json(chat, each, new_kinds=new_kinds) for each in page.items]
        return visit.many(visit.context(f"chats('{chat.id}')/messages"), page, shown)

    def get_message(self, visit: Visit) -> Response:
        """One message."""
        chat = self._chat(visit)
        for each in chat.messages:
            if str(each.number) == visit.variables["message"]:
                shown = message_json(chat, each, new_kinds=_knows_new_kinds(visit))
                return visit.one(visit.context(f"chats('{chat.id}')/messages/$entity"), shown)
        raise _not_found()

    def send(self, visit: Visit) -> Response:
        """Say something in a chat."""
        chat = self._chat(visit)
        self.pace.step(visit, "send", visit.owner.profile.company)
        given = own_members(read_object(visit.body), _SENT, "chatMessage")
        body = as_object(given.get("body") or {})
        content = as_text(body.get("content"), longest=10_000_000)
        if not content.strip() and not given.get("attachments"):
            raise bad_request("Missing body content")
        if len(content.encode()) > _LONGEST_TEXT:
            raise GraphError(413, "RequestEntityTooLarge", "The message is too large.")
        kind = one_of(body.get("contentType") or "text", ("text", "html"))
        importance = one_of(given.get("importance") or "normal", ("normal", "high", "urgent"))
        said = chat.say(
            ChatMessage(
                number=int(visit.now.timestamp() * 1000),
                sender=_myself(visit),
                content=content,
                content_type="html" if kind == "html" else "text",
                importance=importance,
                subject=as_text(given.get("subject")) or None,
            )
        )
        context = visit.context(f"chats('{chat.id}')/messages/$entity")
        return created(context, message_json(chat, said, new_kinds=True), etag=str(said.number))

    def start(self, visit: Visit) -> Response:
        """Start a chat; of two people the one that they have already."""
        known = ("chatType", "topic", "members", "installedApps")
        given = own_members(read_object(visit.body), known, "chat")
        kind = one_of(given.get("chatType"), ("oneOnOne", "group"))
        members = _members(visit, given.get("members"), pair=kind == "oneOnOne")
        topic = as_text(given.get("topic"), longest=250) or None
        chat = self.chats.start(_new_chat(visit, members, topic, pair=kind == "oneOnOne"))
        shown = chat_json(chat, visit.owner.profile.oid, frozenset(), new_kinds=True)
        return created(visit.context("chats/$entity"), shown, etag=chat.id)

    def _chat(self, visit: Visit) -> Chat:
        name = visit.variables["chat"]
        if not _THREAD.fullmatch(name):
            raise bad_request(f"Invalid ThreadId: '{name}'.")
        chat = self.chats.find(visit.owner.profile, name)
        if chat is None:
            raise _not_found()
        if not chat.has(visit.owner.profile.oid):
            raise GraphError(403, "Forbidden", "Forbidden")
        return chat


def _wanted(chat: Chat, filtered: str | None, ordered: str) -> list[ChatMessage]:
    orders = parse_order(ordered, _MESSAGE_FIELDS)
    if len(orders) != 1 or not orders[0].descending:
        raise bad_request("QueryOptions to be applied is not supported: only descending order.")
    found = list(reversed(chat.messages))
    if filtered is not None:
        parsed = parse_filter(filtered, _MESSAGE_FIELDS)
        if parsed.properties != (orders[0].field.name,):
            raise bad_request("$filter is supported on the property of $orderby only.")
        found = list(filter(parsed.matches, found))
    return in_order(found, orders)


def _only(visit: Visit, *allowed: str) -> None:
    for name, _ in visit.options.pairs:
        if name.startswith("$") and name.casefold() not in allowed:
            raise bad_request(
                f"Query option '{name[1:].capitalize()}' is not allowed. To allow it, set the "
                "'AllowedQueryOptions' property on EnableQueryAttribute or "
                "QueryValidationSettings."
            )


def _expanded(visit: Visit) -> frozenset[str]:
    check_names(visit.options.select, CHAT_PROPERTIES, "chat")
    check_names(visit.options.expand, ("members", "lastMessagePreview"), "chat")
    return frozenset(name.casefold() for name in visit.options.expand)


def _knows_new_kinds(visit: Visit) -> bool:
    given = (value for name, value in visit.headers.items() if name.casefold() == "prefer")
    return "include-unknown-enum-members" in ",".join(given)


def _myself(visit: Visit) -> Member:
    profile = visit.owner.profile
    return Member(oid=profile.oid, name=profile.name, address=profile.address)


def _members(visit: Visit, value: object, *, pair: bool) -> tuple[Member, ...]:
    named = [_bound(as_object(each)) for each in as_list(value)]
    me = _myself(visit)
    mine = (me.oid.casefold(), me.address.casefold())
    found = [me if n.casefold() in mine else _known(visit, n) for n in named]
    members = tuple({each.oid.casefold(): each for each in found}.values())
    if me not in members:
        raise GraphError(403, "Forbidden", "The caller must be one of the members of the chat.")
    if pair and len(members) != 2:
        raise bad_request("A chat of type oneOnOne needs exactly two different members.")
    return members


def _bound(given: dict[str, Any]) -> str:
    match = _BIND.fullmatch(as_text(given.get("user@odata.bind")))
    roles = [as_text(each) for each in as_list(given.get("roles", []))]
    if match is None or not set(roles) <= {"owner", "guest"} or not roles:
        raise bad_request("Bad Request: invalid member of a chat.")
    return unquote(match[1] or match[2].replace("''", "'"))


def _known(visit: Visit, name: str) -> Member:
    member = find_member(name, visit.owner.profile.company)
    if member is None:
        raise _not_found()
    return member


def _new_chat(visit: Visit, members: tuple[Member, ...], topic: str | None, *, pair: bool) -> Chat:
    thread = f"19:{uuid.uuid4().hex}@thread.v2"
    return Chat(
        id=pair_id(members[0].oid, members[1].oid) if pair else thread,
        kind="oneOnOne" if pair else "group",
        topic=None if pair else topic,
        created=visit.now,
        members=members,
        company=visit.owner.profile.company,
    )


def _not_found() -> GraphError:
    return GraphError(404, "NotFound", "NotFound")
