"""Where a chat message goes, and who would read it there."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import quote

from obo_graph.chats.message import others
from obo_graph.errors import GraphFailure, bad_argument, told, told_to_model
from obo_graph.shape import ids
from obo_graph.shape.addresses import Person, check_people, parse_people
from obo_graph.shape.paging import objects
from obo_graph.shape.query import odata_text
from obo_graph.shape.tool import Workshop
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph

_SHOWN_PEOPLE = 10
_UNRESOLVED = (
    "could not be resolved to one person to chat with; look with people_search, or pass the "
    "chat_id of a chats_list row"
)
_NOT_LISTED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_UNSEEN = "Who reads this chat could not be checked: the app lacks Chat.ReadBasic."


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A chat that exists, or one person to chat with; exactly one of the two is set.

    `user_id` is the person's id, where their address could be resolved to one.
    """

    chat_id: str = ""
    person: Person | None = None
    user_id: str = ""

    @classmethod
    def of(cls, chat_id: str, to: str) -> "Destination":
        """What the arguments `chat_id` and `to` mean.

        Raises:
            ToolError: both are given, or none, or what is given is malformed.
        """
        if bool(chat_id) == bool(to):
            raise bad_argument("chat_id", "or to: give exactly one of the two")
        if chat_id:
            ids.segment("chat_id", chat_id)
            return cls(chat_id=chat_id)
        return cls(person=parse_people("to", [to])[0])


async def readers(shop: Workshop, graph: PersonalGraph, there: Destination) -> Json:
    """Who reads a message at `there`, with warnings on people outside.

    Raises:
        ToolError: the operator does not allow one of them, or so many.
        GraphFailure: there is no such chat, or Graph does not answer.
    """
    people = [there.person] if there.person else await _members(shop, graph, there.chat_id)
    if people is None:
        return {"people": [], "warnings": [_UNSEEN]}
    warnings = check_people(people, shop.settings, await shop.mailboxes.domain(graph))
    shown = [one_line(one.name, 64) or one.address for one in people[:_SHOWN_PEOPLE]]
    more = len(people) - _SHOWN_PEOPLE
    return {"people": [*shown, f"+{more} more"] if more > 0 else shown, "warnings": warnings}


async def _members(shop: Workshop, graph: PersonalGraph, chat_id: str) -> list[Person] | None:
    """Everybody else in a chat; None if we may not see them and the operator does not mind."""
    path = f"/chats/{ids.segment('chat_id', chat_id)}/members"
    try:
        answer = await graph.get(path)
    except GraphFailure as failure:
        if failure.status != HTTPStatus.FORBIDDEN:
            raise
        if shop.settings.recipient_domains:
            with told_to_model("Chat.ReadBasic"):
                raise
        return None
    if "@odata.nextLink" in answer:
        hint = "This chat has more people than can be checked. Tell the person."
        raise told("recipients_refused", hint)
    return [
        Person(name=str(one.get("displayName") or ""), address=str(one.get("email") or ""))
        for one in others({"members": answer.get("value")}, graph.person[1])
    ]


async def resolved(graph: PersonalGraph, there: Destination) -> Destination:
    """`there` with the id of its person: in a chat Graph knows no mail address, only that.

    Raises:
        ToolError: the address is that of several people.
        GraphFailure: Graph does not answer. Where the directory may not be read the address has
            to do, as it mostly is a user principal name too.
    """
    if there.person is None:
        return there
    text = odata_text(there.person.address)
    wanted = {"$filter": f"mail eq {text} or userPrincipalName eq {text}", "$select": "id"}
    try:
        answer = await graph.get("/users", wanted)
    except GraphFailure as failure:
        if failure.status not in _NOT_LISTED:
            raise
        return there
    found = [one_line(one.get("id"), 64) for one in objects(answer.get("value"))]
    if len(found) > 1:
        raise bad_argument("to", _UNRESOLVED)
    return replace(there, user_id=found[0]) if found else there


async def chat_of(graph: PersonalGraph, there: Destination) -> str:
    """The id of the chat at `there`; the one with a single person is made if it is not there.

    Graph never makes a second one for the same two (Graph, "Create chat"), so it is asked like
    something that only reads.
    """
    if there.person is None:
        return there.chat_id
    other = there.user_id or there.person.address
    users = f"{graph.transport.origin}/v1.0/users"
    body: Json = {
        "chatType": "oneOnOne",
        "members": [_member(users, name) for name in (graph.person[1], other)],
    }
    try:
        chat = await graph.post("/chats", body, repeatable=True)
    except GraphFailure as failure:
        if failure.status == HTTPStatus.NOT_FOUND:
            raise bad_argument("to", _UNRESOLVED) from None
        with told_to_model("Chat.Create"):
            raise
    return one_line(chat.get("id"), 512)


def _member(users: str, name: str) -> Json:
    key = quote(odata_text(name), safe="'@")
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": ["owner"],
        "user@odata.bind": f"{users}({key})",
    }
