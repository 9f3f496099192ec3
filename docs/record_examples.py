"""Writes tool-examples.json: every tool called once, for real, in a tenant on this machine.

Run it when a tool's answer changes: `.venv/bin/python docs/record_examples.py && make docs`. All
clocks stand still, and what is made up at random is replaced, so that a second run writes the same.
"""

import asyncio
import json
import logging
import re
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from mcp import Client

from obo_graph.app import create_app
from obo_tenant.serve import LocalTenant

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.callers import connected
from support.clock import ManualClock
from support.serving import Serving
from support.tool_cases import all_tools, result_of
from support.world import World

EXAMPLES = Path(__file__).parent / "reference" / "tool-examples.json"
NOW = 1_795_455_000.0  # Monday, 23 November 2026, 9:30 in Adele's time zone
MOST_ROWS = 2
MOST_CHARS = 200
CUT = "…"
FOREVER = (
    (re.compile(r"(?<=untrusted )[0-9a-f]{8}"), "5f0c2a91"),
    (re.compile(r"https?://(?:localhost|127\.0\.0\.1):\d+"), "https://mcp.example.com"),
    (re.compile(r"(?<=/links/)[\w-]+"), CUT),
)
"""What is another one each time, and what stands there in the docs."""
LONG_ID = re.compile(r"\b(?P<kind>AA[A-Za-z]{2}|01(?=[A-Z0-9]{32}\b))?(?=[\w-]*\d)[\w-]{24,}=*")
FENCED = re.compile(
    r"(?P<start><untrusted \w+>\n)(?P<inner>.*)(?P<end>\n</untrusted \w+>)", re.DOTALL
)

Json = dict[str, Any]
MEGAN = "Megan Bowen <megan@contoso.example>"
ALEX = "Alex Wilber <alex@contoso.example>"
STRANGER = "Robin Counts <robin@fabrikam.example>"

CALLS: dict[str, Callable[[dict[str, Json]], Json]] = {
    "whoami": lambda _: {},
    "people_search": lambda _: {"query": "alex", "limit": 3},
    "mail_search": lambda _: {"query": "delivery", "folder": "inbox", "limit": 2},
    "mail_read": lambda seen: {"message_id": seen["mail_search"]["items"][0]["id"]},
    "mail_folders": lambda _: {"limit": 2},
    "mail_attachment_read": lambda seen: {
        "message_id": seen["with attachment"]["id"],
        "attachment_id": seen["with attachment"]["attachments"][0]["id"],
    },
    "mail_draft": lambda seen: {
        "to": [MEGAN],
        "subject": "Minutes",
        "body": "Hello Megan,\n\nhere they are.\n\nAdele",
        "attach_files": [seen["minutes"]["items"][0]["ref"]],
    },
    "mail_send": lambda seen: {"draft_id": seen["mail_draft"]["id"]},
    "mail_reply": lambda seen: {
        "message_id": seen["mail_search"]["items"][0]["id"],
        "body": "Thank you, that is fine with me.",
    },
    "mail_forward": lambda seen: {
        "message_id": seen["mail_search"]["items"][0]["id"],
        "to": [STRANGER],
        "dry_run": True,
    },
    "mail_move": lambda seen: {
        "message_ids": [row["id"] for row in seen["mail_search"]["items"]],
        "folder": "archive",
    },
    "mail_update": lambda seen: {
        "message_ids": [seen["mail_search"]["items"][0]["id"]],
        "read": "yes",
        "flag": "flagged",
    },
    "calendar_view": lambda _: {"start": "2026-11-23", "end": "2026-11-27", "limit": 2},
    "calendar_event_get": lambda seen: {"event_id": seen["calendar_view"]["items"][0]["id"]},
    "calendar_free_busy": lambda _: {
        "people": [MEGAN],
        "start": "2026-11-25T09:00",
        "end": "2026-11-25T17:00",
    },
    "calendar_find_times": lambda _: {
        "attendees": [MEGAN, ALEX],
        "start": "2026-11-24",
        "end": "2026-11-26",
        "limit": 2,
    },
    "calendar_event_create": lambda _: {
        "subject": "Wall lamps: decide",
        "start": "2026-11-26T10:00",
        "end": "2026-11-26T10:30",
        "attendees": [MEGAN],
        "online": True,
    },
    "calendar_event_update": lambda seen: {
        "event_id": seen["calendar_event_create"]["id"],
        "start": "2026-11-26T11:00",
        "add_attendees": [ALEX],
    },
    "calendar_event_cancel": lambda seen: {
        "event_id": seen["calendar_event_create"]["id"],
        "comment": "We have decided by mail.",
    },
    "calendar_event_respond": lambda seen: {
        "event_id": seen["invitation"]["id"],
        "response": "tentative",
        "comment": "I may be ten minutes late.",
    },
    "files_search": lambda _: {"query": "minutes", "where": "onedrive", "limit": 2},
    "files_list": lambda _: {"folder": "/Projects", "limit": 2},
    "files_get": lambda seen: {"item": seen["minutes"]["items"][0]["ref"], "link": True},
    "files_read": lambda seen: {"item": seen["minutes"]["items"][0]["ref"], "max_chars": 120},
    "files_upload": lambda _: {"name": "Lamps.md", "folder": "/Team", "content": "# Lamps\n"},
    "files_share": lambda seen: {
        "item": seen["files_upload"]["ref"],
        "access": "edit",
        "people": [MEGAN],
    },
    "m365_search": lambda _: {"query": "budget", "types": ["mail", "file"], "limit": 2},
    "chats_list": lambda _: {"limit": 2},
    "chat_read": lambda seen: {"chat_id": seen["chats_list"]["items"][0]["id"], "limit": 2},
    "chat_send": lambda _: {"to": "megan@contoso.example", "text": "The minutes are in your mail."},
    "tasks_list": lambda _: {"source": "planner", "limit": 2},
    "task_create": lambda _: {"title": "Order the wall lamps", "due": "2026-11-27"},
    "task_update": lambda seen: {"task_id": seen["task_create"]["id"], "status": "done"},
    "graph_get": lambda _: {"path": "/me/contacts", "query": "$select=displayName&$top=2"},
}
"""Arguments of each call, from the results before it, in the order of `tools/list`."""


def recorded() -> dict[str, Json]:
    """For each tool its arguments and its result, as the docs show them."""
    with LocalTenant(port=0, clock=lambda: NOW) as local:
        trust = ssl.create_default_context(cafile=str(local.ca_path))
        with httpx.Client(base_url=local.url, verify=trust, trust_env=False) as http:
            world = World(local.url, str(local.ca_path), http)
            with Serving(lambda url: _app(url, world)) as serving:
                told = asyncio.run(_called(f"{serving.url}/mcp", world))
    shorter = Shorter()
    return {tool: shorter.of(example) for tool, example in told.items()}


def _app(url: str, world: World) -> Any:
    return create_app(world.settings(f"{url}/mcp"), all_tools(world), clock=ManualClock(NOW))


async def _called(url: str, world: World) -> dict[str, Json]:
    told: dict[str, Json] = {}
    async with connected(url, world.token("adele")) as client:
        seen = await _looked_up(client)
        for tool, arguments_from in CALLS.items():
            arguments = arguments_from(seen)
            seen[tool] = await result_of(client, tool, **arguments)
            told[tool] = {"arguments": arguments, "result": seen[tool]}
    return told


async def _looked_up(client: Client) -> dict[str, Json]:
    """What the examples are about and no example finds."""
    attached = await result_of(client, "mail_search", has_attachments="yes", query="csv", limit=1)
    message = {"message_id": attached["items"][0]["id"], "part": "headers"}
    events = await result_of(client, "calendar_view", start="2026-11-24", end="2026-12-31")
    asked = [row for row in events["items"] if row.get("my_response") == "notResponded"]
    minutes = {"query": "minutes", "where": "onedrive", "file_types": ["md"], "limit": 1}
    return {
        "with attachment": await result_of(client, "mail_read", **message),
        "invitation": asked[0],
        "minutes": await result_of(client, "files_search", **minutes),
    }


class Shorter:
    """Cuts examples for reading, and replaces what is long, random or this machine's."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}

    def of(self, value: Any, name: str = "") -> Any:
        """`value`, the field `name`, as the docs show it."""
        if isinstance(value, dict):
            return {key: self.of(part, key) for key, part in value.items()}
        if isinstance(value, list):
            rows = [self.of(part) for part in value[:MOST_ROWS]]
            return [*rows, CUT] if len(value) > MOST_ROWS else rows
        if isinstance(value, str):
            return CUT if name == "next" else _cut(self._named(value))
        return value

    def _named(self, text: str) -> str:
        for pattern, stand_in in FOREVER:
            text = pattern.sub(stand_in, text)
        return LONG_ID.sub(self._stand_in, text)

    def _stand_in(self, found: re.Match[str]) -> str:
        kind = found["kind"] or "id"
        return self._stand_ins.setdefault(found[0], f"{kind}{CUT}{len(self._stand_ins) + 1}")


def _cut(text: str) -> str:
    fenced = FENCED.fullmatch(text)
    if fenced:
        return f"{fenced['start']}{_cut(fenced['inner'])}{fenced['end']}"
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS].rstrip()}{CUT}"


def main() -> None:
    """Write the file."""
    logging.basicConfig(level=logging.WARNING)
    text = json.dumps(recorded(), indent=1, ensure_ascii=False)
    EXAMPLES.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
