"""Teams chats as Graph tells them."""

ME = "adele"
CHAT = "19:meeting_abc@thread.v2"


def member(name, user_id, address, **changes):
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": "MCMj",
        "displayName": name,
        "userId": user_id,
        "email": address,
        "roles": ["owner"],
    } | changes


ADELE = member("Adele Vance", ME, "adele@contoso.example")
MEGAN = member("Megan Bowen", "megan", "megan@contoso.example")


def said(number, content="Hello", by="megan", **changes):
    """A chatMessage; a higher number is an earlier one."""
    when = f"{10 - number // 60:02}:{59 - number % 60:02}:00.{number:03}"
    name = {"megan": "Megan Bowen", ME: "Adele Vance"}.get(by, by)
    return {
        "id": f"16158{number:04}",
        "messageType": "message",
        "createdDateTime": f"2026-11-20T{when}Z",
        "deletedDateTime": None,
        "from": {"user": {"id": by, "displayName": name}, "application": None},
        "body": {"contentType": "html", "content": content},
        "attachments": [],
    } | changes


def chat(number=1, **changes):
    return {
        "id": f"19:chat{number}@thread.v2",
        "topic": None,
        "chatType": "oneOnOne",
        "viewpoint": {"lastMessageReadDateTime": "2026-11-19T10:00:00Z"},
        "members": [ADELE, MEGAN],
        "lastMessagePreview": said(number, "<p>See <b>you</b> at&nbsp;9</p>"),
    } | changes
