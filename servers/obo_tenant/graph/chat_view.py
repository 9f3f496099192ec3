"""A chat, its members and its messages as Graph's JSON.

Source: Graph "chat", "aadUserConversationMember", "chatMessage", "chatMessageInfo" resource types.
"""

import base64
from datetime import datetime
from typing import Any

from obo_tenant.graph.chats import Chat, ChatMessage, Member
from obo_tenant.people import HOME, NEIGHBOUR

CHAT_PROPERTIES = (
    "id", "topic", "createdDateTime", "lastUpdatedDateTime", "chatType", "webUrl", "tenantId",
    "onlineMeetingInfo", "viewpoint", "members", "lastMessagePreview",
)  # fmt: skip
_LINK = "https://teams.contoso.example/l"
_ALWAYS = "0001-01-01T00:00:00Z"


def chat_json(
    chat: Chat, viewer: str, expand: frozenset[str], *, new_kinds: bool
) -> dict[str, Any]:
    """All properties of a chat as `viewer` sees it, with what was expanded.

    For `new_kinds` see `message_json`.
    """
    tenant = _tenant(chat, guest=False)
    shown: dict[str, Any] = {
        "id": chat.id,
        "topic": chat.topic,
        "createdDateTime": milliseconds(chat.created),
        "lastUpdatedDateTime": milliseconds(chat.touched),
        "chatType": chat.kind,
        "webUrl": f"{_LINK}/chat/{chat.id}/0?tenantId={tenant}",
        "tenantId": tenant,
        "onlineMeetingInfo": _meeting(chat),
        "viewpoint": {
            "isHidden": False,
            "lastMessageReadDateTime": milliseconds(chat.read_by(viewer)),
        },
    }
    if "members" in expand:
        shown["members"] = [member_json(chat, each) for each in chat.members]
    if "lastmessagepreview" in expand:
        shown["lastMessagePreview"] = (
            _preview(chat.messages[-1], new_kinds=new_kinds) if chat.messages else None
        )
    return shown


def member_json(chat: Chat, member: Member) -> dict[str, Any]:
    """Somebody in a chat, by an id that belongs to this chat only."""
    name = base64.b64encode(f"MCMj{chat.id}##{member.oid}".encode()).decode()
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": name,
        "roles": ["guest"] if member.guest else ["owner"],
        "displayName": member.name,
        "visibleHistoryStartDateTime": _ALWAYS,
        "userId": member.oid,
        "email": member.address,
        "tenantId": _tenant(chat, guest=member.guest),
    }


def message_json(chat: Chat, message: ChatMessage, *, new_kinds: bool) -> dict[str, Any]:
    """A message; callers who do not know new enum members see `unknownFutureValue` instead."""
    sent = milliseconds(message.at)
    return {
        "id": str(message.number),
        "replyToId": None,
        "etag": str(message.number),
        "messageType": _kind(message, new_kinds=new_kinds),
        "createdDateTime": sent,
        "lastModifiedDateTime": sent,
        "lastEditedDateTime": sent if message.edited else None,
        "deletedDateTime": sent if message.deleted else None,
        "subject": message.subject,
        "summary": None,
        "chatId": chat.id,
        "importance": message.importance,
        "locale": "en-us",
        "webUrl": None,
        "channelIdentity": None,
        "policyViolation": None,
        "eventDetail": _event_detail(message),
        "from": _from(message.sender),
        "body": _body(message),
        "attachments": [_file(name, link) for name, link in message.files],
        "mentions": [],
        "reactions": [],
    }


def milliseconds(moment: datetime) -> str:
    """An Edm.DateTimeOffset as Teams writes it: UTC, to the millisecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _tenant(chat: Chat, *, guest: bool) -> str:
    at_home = (chat.company == HOME.company) is not guest
    return (HOME if at_home else NEIGHBOUR).tenant_id


def _kind(message: ChatMessage, *, new_kinds: bool) -> str:
    if not message.joined:
        return "message"
    return "systemEventMessage" if new_kinds else "unknownFutureValue"


def _body(message: ChatMessage) -> dict[str, str]:
    if message.joined:
        return {"contentType": "html", "content": "<systemEventMessage/>"}
    return {
        "contentType": message.content_type,
        "content": "" if message.deleted else message.content,
    }


def _preview(message: ChatMessage, *, new_kinds: bool) -> dict[str, Any]:
    return {
        "id": str(message.number),
        "createdDateTime": milliseconds(message.at),
        "isDeleted": message.deleted,
        "messageType": _kind(message, new_kinds=new_kinds),
        "eventDetail": _event_detail(message),
        "body": _body(message),
        "from": _from(message.sender),
    }


def _from(sender: Member | None) -> dict[str, Any] | None:
    return None if sender is None else {"application": None, "device": None, "user": _user(sender)}


def _user(member: Member) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": member.oid,
        "displayName": member.name,
        "userIdentityType": "federatedUser" if member.guest else "aadUser",
    }


def _event_detail(message: ChatMessage) -> dict[str, Any] | None:
    if not message.joined:
        return None
    return {
        "@odata.type": "#microsoft.graph.membersAddedEventMessageDetail",
        "visibleHistoryStartDateTime": _ALWAYS,
        "members": [_user(each) for each in message.joined],
        "initiator": {"application": None, "device": None, "user": _user(message.joined[0])},
    }


def _file(name: str, link: str) -> dict[str, Any]:
    return {
        "id": name,
        "contentType": "reference",
        "contentUrl": link,
        "content": None,
        "name": name,
        "thumbnailUrl": None,
        "teamsAppId": None,
    }


def _meeting(chat: Chat) -> dict[str, Any] | None:
    if chat.kind != "meeting":
        return None
    link = f"{_LINK}/meetup-join/{chat.id}/0"
    return {"calendarEventId": None, "joinWebUrl": link, "organizer": _user(chat.members[0])}
