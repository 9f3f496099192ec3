"""A call for every tool of the Graph server that works in the local tenant, and what to vary."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcp import Client

from obo_graph.settings import GraphSettings

EVERYTHING = "core write extra graph"
DAYS = {"start": "2026-11-01", "end": "2026-12-31"}
NOTHING = "xyzzyplugh"


def all_tools(world: Any, **changes: Any) -> GraphSettings:
    """Settings of a Graph server in the tenant that offers all there is."""
    settings = {
        "graph_url": world.url,
        "graph_resource": world.about["graph_resource"],
        "read_only": False,
        "tools": EVERYTHING,
    }
    return GraphSettings(**settings | changes)


@dataclass(frozen=True)
class Scene:
    """Things of one person that calls can be about, found through the tools themselves."""

    address: str
    mail: str
    mail_with_attachment: str
    attachment: str
    draft: str
    event: str
    own_event: str
    file: str
    chat: str
    task: str


async def result_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, (tool, result.content)
    return result.structured_content


async def look_around(client: Client, partner: str) -> Scene:
    """The scene of whoever `client` is; `partner` is somebody to write to."""

    async def items(tool: str, **arguments: Any) -> list[dict[str, Any]]:
        return (await result_of(client, tool, **arguments))["items"]

    mails = await items("mail_search", folder="inbox", has_attachments="no", limit=1)
    attached = (await items("mail_search", has_attachments="yes", query="csv", limit=1)) or (
        await items("mail_search", has_attachments="yes", limit=1)
    )
    head = await result_of(client, "mail_read", message_id=attached[0]["id"], part="headers")
    draft = await result_of(client, "mail_draft", to=[partner], subject="Scene", body="Hello")
    events = await items("calendar_view", **DAYS, limit=50)
    own = await result_of(
        client,
        "calendar_event_create",
        subject="Scene",
        start="2026-12-30T10:00",
        end="2026-12-30T10:30",
        attendees=[partner],
    )
    invited = next(row for row in events if row.get("my_response"))
    files = await items("files_search", query="minutes", where="onedrive", limit=50)
    file = next(row["ref"] for row in files if row["name"].endswith((".md", ".txt")))
    chats = await items("chats_list", limit=1)
    task = await result_of(client, "task_create", title="Scene")
    return Scene(
        address=partner,
        mail=mails[0]["id"],
        mail_with_attachment=attached[0]["id"],
        attachment=head["attachments"][0]["id"],
        draft=draft["id"],
        event=invited["id"],
        own_event=own["id"],
        file=file,
        chat=chats[0]["id"],
        task=task["id"],
    )


Arguments = Callable[[Scene], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """How to call one tool: `happy` works, `empty` finds nothing, `ids` are arguments with ids.

    `pages` are arguments under which the tool has more than one page.
    """

    happy: Arguments
    empty: dict[str, Any] | None = None
    pages: dict[str, Any] | None = None
    ids: tuple[str, ...] = field(default=())


CASES: dict[str, Case] = {
    "whoami": Case(lambda _: {}),
    "people_search": Case(lambda _: {"query": "alex"}, empty={"query": NOTHING}),
    "mail_search": Case(
        lambda _: {"limit": 10},
        empty={"query": NOTHING},
        pages={"folder": "sentitems", "limit": 20},
    ),
    "mail_read": Case(lambda s: {"message_id": s.mail}, ids=("message_id",)),
    "mail_folders": Case(lambda _: {}, pages={"limit": 3}, ids=("parent",)),
    "mail_attachment_read": Case(
        lambda s: {"message_id": s.mail_with_attachment, "attachment_id": s.attachment},
        ids=("message_id", "attachment_id"),
    ),
    "mail_draft": Case(
        lambda s: {"to": [s.address], "subject": "Table", "body": "Hello"}, ids=("draft_id",)
    ),
    "mail_send": Case(lambda s: {"draft_id": s.draft}, ids=("draft_id",)),
    "mail_reply": Case(lambda s: {"message_id": s.mail, "body": "Thanks"}, ids=("message_id",)),
    "mail_forward": Case(
        lambda s: {"message_id": s.mail, "to": [s.address]}, ids=("message_id",)
    ),
    "mail_move": Case(lambda s: {"message_ids": [s.mail], "folder": "archive"}, ids=("folder",)),
    "mail_update": Case(lambda s: {"message_ids": [s.mail], "read": "yes"}),
    "calendar_view": Case(
        lambda _: DAYS,
        empty={"start": "2001-01-01", "end": "2001-01-02"},
        pages=DAYS | {"limit": 15},
        ids=("calendar",),
    ),
    "calendar_event_get": Case(lambda s: {"event_id": s.event}, ids=("event_id",)),
    "calendar_free_busy": Case(
        lambda s: {"people": [s.address], "start": "2026-11-24", "end": "2026-11-25"}
    ),
    "calendar_find_times": Case(
        lambda s: {"attendees": [s.address], "start": "2026-11-24", "end": "2026-12-04"}
    ),
    "calendar_event_create": Case(
        lambda _: {"subject": "Table", "start": "2026-12-29T10:00", "end": "2026-12-29T10:30"}
    ),
    "calendar_event_update": Case(
        lambda s: {"event_id": s.own_event, "location": "Room 7"}, ids=("event_id",)
    ),
    "calendar_event_cancel": Case(lambda s: {"event_id": s.own_event}, ids=("event_id",)),
    "calendar_event_respond": Case(
        lambda s: {"event_id": s.event, "response": "tentative"}, ids=("event_id",)
    ),
    "files_search": Case(
        lambda _: {"query": "minutes"},
        empty={"query": NOTHING},
        pages={"query": "minutes", "limit": 5},
    ),
    "files_list": Case(lambda _: {}, pages={"limit": 2}, ids=("folder", "drive")),
    "files_get": Case(lambda s: {"item": s.file}, ids=("item",)),
    "files_read": Case(lambda s: {"item": s.file}, ids=("item",)),
    "files_upload": Case(
        lambda _: {"name": "table.txt", "content": "hello", "if_exists": "rename"}, ids=("folder",)
    ),
    "files_share": Case(lambda s: {"item": s.file, "people": [s.address]}, ids=("item",)),
    "m365_search": Case(
        lambda _: {"query": "minutes", "types": ["mail", "file"]},
        empty={"query": NOTHING, "types": ["mail", "event", "file", "site", "chat"]},
        pages={"query": "minutes", "types": ["file"], "limit": 5},
    ),
    "chats_list": Case(lambda _: {}, pages={"limit": 2}),
    "chat_read": Case(lambda s: {"chat_id": s.chat}, ids=("chat_id",)),
    "chat_send": Case(lambda s: {"chat_id": s.chat, "text": "Hello"}, ids=("chat_id",)),
    "tasks_list": Case(lambda _: {"limit": 5}, pages={"limit": 7}),
    "task_create": Case(lambda _: {"title": "Table"}),
    "task_update": Case(lambda s: {"task_id": s.task, "status": "done"}, ids=("task_id",)),
    "graph_get": Case(lambda _: {"path": "me/messages", "query": "$top=3&$select=subject"}),
}  # fmt: skip
