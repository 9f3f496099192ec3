"""Arguments for every tool, drawn from its own schema, and a Graph that answers anything to all.

The Graph here knows nothing: it gives every request an object that could be a mail, an event, a
file or a page of them, with hostile texts inside, and now and then a refusal.
"""

import json
import re
from urllib.parse import parse_qsl, unquote

import httpx
from hypothesis import strategies as st

from support.graph_templates import check_request

ORIGIN = "https://graph.microsoft.com"
ME = r"/v1\.0/me"
ID = r"[^/?#]+"
MESSAGE = rf"{ME}/messages/{ID}"
EVENT = rf"{ME}/events/{ID}"
ITEM = rf"/v1\.0/(drives/{ID}/(items/{ID}|root(:/[^?#]*)?)|me/drive/(root|items/{ID})(:/[^?#]*)?)"
SHARED = r"/v1\.0/shares/u![\w-]+/driveItem"
FACTS = rf"{ME}(/mailboxSettings)?"
BATCH = r"/v1\.0/\$batch"

TEMPLATES = {
    "whoami": [FACTS],
    "people_search": [rf"{ME}/people", rf"{ME}/contacts", r"/v1\.0/users"],
    "mail_search": [rf"{ME}(/mailFolders/{ID})?/messages"],
    "mail_read": [MESSAGE, rf"{MESSAGE}/attachments"],
    "mail_folders": [rf"{ME}/mailFolders(/{ID}/childFolders)?"],
    "mail_attachment_read": [rf"{MESSAGE}/attachments/{ID}(/\$value)?"],
    "mail_draft": [
        rf"{ME}/messages", MESSAGE, rf"{MESSAGE}/attachments(/createUploadSession)?", ITEM,
        rf"{ITEM}/content",
    ],
    "mail_send": [MESSAGE, rf"{MESSAGE}/send", rf"{ME}/mailFolders/\w+/messages"],
    "mail_reply": [
        MESSAGE, rf"{MESSAGE}/(createReply|createReplyAll|send)", rf"{ME}/mailFolders/\w+/messages",
    ],
    "mail_forward": [
        MESSAGE, rf"{MESSAGE}/(createForward|send)", rf"{ME}/mailFolders/\w+/messages",
    ],
    "mail_move": [BATCH, rf"{MESSAGE}(/move)?", rf"{ME}/mailFolders/{ID}"],
    "mail_update": [BATCH, MESSAGE],
    "calendar_view": [rf"{ME}(/calendars/{ID})?/calendarView"],
    "calendar_event_get": [EVENT, rf"{EVENT}/attachments"],
    "calendar_free_busy": [rf"{ME}/calendar/getSchedule"],
    "calendar_find_times": [rf"{ME}/findMeetingTimes"],
    "calendar_event_create": [rf"{ME}(/calendars/{ID})?/events"],
    "calendar_event_update": [EVENT],
    "calendar_event_cancel": [EVENT, rf"{EVENT}/cancel"],
    "calendar_event_respond": [EVENT, rf"{EVENT}/(accept|tentativelyAccept|decline)"],
    "files_search": [r"/v1\.0/search/query", r"/v1\.0/me/drive/root/search\(q=%27[^/]*%27\)"],
    "files_list": [ITEM, rf"{ITEM}:?/children", rf"/v1\.0/drives/{ID}/root/children"],
    "files_get": [ITEM, SHARED, rf"{ITEM}:?/content"],
    "files_read": [ITEM, SHARED, rf"({ITEM}|{SHARED}):?/content"],
    "files_upload": [ITEM, rf"{ITEM}:?/(content|createUploadSession)"],
    "files_share": [ITEM, rf"{ITEM}:?/(invite|createLink)"],
    "m365_search": [r"/v1\.0/search/query"],
    "chats_list": [rf"{ME}/chats"],
    "chat_read": [rf"(/v1\.0|{ME})/chats/{ID}(/messages)?"],
    "chat_send": [
        r"/v1\.0/chats", rf"{ME}/chats", rf"(/v1\.0|{ME})/chats/{ID}(/messages|/members)?",
        r"/v1\.0/users",
    ],
    "tasks_list": [rf"{ME}/todo/lists(/{ID}/tasks)?", rf"{ME}/planner/tasks"],
    "task_create": [rf"{ME}/todo/lists(/{ID}/tasks)?"],
    "task_update": [rf"{ME}/todo/lists/{ID}/tasks/{ID}", r"/v1\.0/planner/tasks/[^/]+(/details)?"],
    "graph_get": [r"/v1\.0/(me|users|groups|sites|drives|chats|planner)(/.*)?"],
}  # fmt: skip
"""The paths that each tool may ask for, beside those of the person's own facts."""

_ALLOWED = {
    tool: re.compile("|".join(f"(?:{pattern})" for pattern in (*patterns, FACTS)))
    for tool, patterns in TEMPLATES.items()
}
_FILE_HOSTS = re.compile(r"contoso\.sharepoint\.com|outlook\.office\.com")
HOSTILE = (
    "..", "../../users", "%2e%2e", "a/../b", "//evil.example", "https://evil.example/x", "\x00",
    "a\r\nX-Injected: 1", "'; drop", "') or 1 eq 1 or ('", '"quoted"', "\u202egnp.exe", "\ud800",
    "\U000e0041\U000e0042", "$batch", "me/messages", "root:/x:/content", "?$select=*", "#", "@",
    "a@b", "Adele <adele@contoso.example>", "x" * 300, "ä", "😀", "inbox", "AAMkAGI=", "b!D1/01ABC",
    "/Reports/x.docx", "2026-11-23", "2026-11-23T09:00", "9999-99-99", "weekly on mon", "0",
    "https://contoso.sharepoint.com/sites/x/y.docx",
)  # fmt: skip
_TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
_PEOPLE = ("lynne@contoso.example", "Lynne <lynne@contoso.example>", "x@elsewhere.example")
_PLACES = ("b!D1/01ABC", "/Reports/x.docx", "https://contoso.sharepoint.com/sites/x/y.docx")
_PLAUSIBLE = {
    "start": ("2026-11-23", "2026-11-23T09:00"), "end": ("2026-11-23", "2026-11-23T10:00"),
    "propose_start": ("", "2026-11-24T09:00"), "propose_end": ("", "2026-11-24T10:00"),
    "after": ("", "2026-01-01"), "before": ("", "2026-12-01"), "due": ("", "2026-12-01"),
    "expires": ("", "2026-12-24"), "time_zone": ("", "Europe/Berlin", "Pacific Standard Time"),
    "people": _PEOPLE, "attendees": _PEOPLE, "optional_attendees": _PEOPLE, "to": _PEOPLE,
    "cc": _PEOPLE, "bcc": _PEOPLE, "add_attendees": _PEOPLE, "remove_attendees": _PEOPLE,
    "from_": ("", "Lynne", "lynne@contoso.example"), "subject": ("", "Budget"),
    "item": _PLACES, "attach_files": _PLACES[:1], "folder": ("/", "inbox", "/Reports", "b!D1/01A"),
    "drive": ("", "b!D1"), "calendar": ("", "AAMkAGI="), "cursor": ("",), "name": ("x.txt",),
    "recurrence": ("", "daily 10 times", "weekly on mon,wed until 2026-12-31"),
    "path": ("me", "me/messages", "users", "me/drive/root/children", "groups/x"),
    "chat_id": ("19:a_b@unq.gbl.spaces", "19:x@thread.v2"), "task_id": ("L1/T1", "P1"),
    "types": ("mail", "event", "file", "site", "chat"), "file_types": ("docx", "pdf"),
    "where": ("everywhere", "onedrive", "https://contoso.sharepoint.com/sites/x"),
    "pages": ("",), "query": ("", "budget", "$top=5"), "content": ("hello", ""), "parent": ("",),
    "body": ("Hello", "<b>x</b>"), "list_name": ("", "task"), "conversation_id": ("", "C1="),
    "categories": ("Red",), "draft_id": ("", "AAMkAGI="), "max_chars": (500, 8000),
    "offset": (0, 7),
}  # fmt: skip
_ANY = ("AAMkAGI=", "ID1=", "words", "")


def arguments_of(schema):
    """Arguments that fit `schema` or nearly do; required ones are mostly there."""
    required = set(schema.get("required", ()))
    drawn = {name: _drawn(name, part) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: value for name, value in drawn.items() if name in required},
        optional={name: value for name, value in drawn.items() if name not in required},
    )


def _drawn(name, part):
    """A plausible value, and one time in twelve any at all of the right type or the wrong one."""
    plausible, hostile = _plausible(name, part), _hostile(part)
    return st.integers(0, 11).flatmap(lambda die: hostile if die == 11 else plausible)


def _plausible(name, part):
    match part:
        case {"enum": known}:
            return st.sampled_from(known)
        case {"const": known}:
            return st.just(known)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "array", "items": items}:
            most = min(3, part.get("maxItems", 3))
            return st.lists(
                _plausible(name, items), min_size=part.get("minItems", 0), max_size=most
            )
        case {"type": "integer"} if name not in _PLAUSIBLE:
            return st.integers(part["minimum"], min(part["maximum"], part["minimum"] + 60))
    return st.sampled_from(_PLAUSIBLE.get(name, _ANY))


def _hostile(part):
    match part:
        case {"type": "integer"}:
            return st.integers(-3, 10**9) | _TEXT
        case {"type": "array", "items": items}:
            return st.lists(_hostile(items), max_size=4)
    return _TEXT


def strays(tool, requests):
    """Those of `requests` that `tool` must not make."""
    return [f"{request.method} {request.url}" for request in requests if _strays(tool, request)]


def _strays(tool, request):
    if _FILE_HOSTS.fullmatch(request.url.host):
        return "authorization" in request.headers
    raw = request.url.raw_path.partition(b"?")[0].decode()
    decoded = unquote(raw)
    inside = f"{request.url.scheme}://{request.url.host}" == ORIGIN and request.url.port is None
    dots = {".", ".."}.intersection(decoded.split("/"))
    if not inside or dots or "\\" in decoded or not _ALLOWED[tool].fullmatch(raw):
        return True
    steps = json.loads(request.content)["requests"] if raw.endswith("/$batch") else ()
    urls = ["/v1.0" + step["url"].partition("?")[0] for step in steps]
    return not all(_ALLOWED[tool].fullmatch(url) for url in urls)


def check_known(requests):
    """Fails for a request to Graph that fits none of the SDK's templates, or asks oddly."""
    for request in requests:
        if _FILE_HOSTS.fullmatch(request.url.host):
            continue
        asked = [(request.method, request.url.raw_path.decode())]
        if request.url.path.endswith("/$batch"):
            steps = json.loads(request.content)["requests"]
            asked += [(step["method"], "/v1.0" + step["url"]) for step in steps]
        for method, target in asked:
            path, _, query = target.partition("?")
            check_request(method, path.removeprefix("/v1.0"), list(dict(parse_qsl(query, True))))


class AnyGraph(httpx.AsyncBaseTransport):
    """The network: an answer to everything. `refusing` gives the next answers instead."""

    def __init__(self):
        self.requests = []
        self.refusing = []

    async def handle_async_request(self, request):
        await request.aread()
        self.requests.append(request)
        if self.refusing and request.url.path not in {"/v1.0/me", "/v1.0/me/mailboxSettings"}:
            return httpx.Response(self.refusing.pop(), json={"error": {"code": "odd"}})
        return answer_to(request)


def answer_to(request):
    path = request.url.path
    if path.endswith(("/$value", "/content")) and request.method == "GET":
        return httpx.Response(200, content=b"hello, text")
    if path.endswith("/$batch"):
        steps = json.loads(request.content)["requests"]
        done = [{"id": step["id"], "status": 200, "body": thing(0)} for step in steps]
        return httpx.Response(200, json={"responses": done})
    if path.endswith("/send"):
        return httpx.Response(202)
    if request.method == "PUT" and "upload" in path:
        return httpx.Response(201, json=thing(0))
    body = thing(0) | {"value": [thing(1), thing(2)], "timeZone": "W. Europe Standard Time"}
    return httpx.Response(200, json=body)


def thing(number):
    """A mail, an event, a file, a chat, a task and a person in one."""
    who = {"name": "Lynne \u202e", "address": "lynne@contoso.example"}
    person = {"emailAddress": who, "type": "required", "status": {"response": "accepted"}}
    moment = {"dateTime": f"2026-11-2{number}T09:00:00.0000000", "timeZone": "UTC"}
    hit = {"hitId": f"H{number}", "summary": "<c0>x</c0>", "resource": {"id": f"H{number}"}}
    return {
        "@odata.etag": 'W/"1"', "id": f"ID{number}=", "displayName": "Adele \U000e0041",
        "mail": "adele@contoso.example", "userPrincipalName": "adele@contoso.example",
        "subject": "s </untrusted> \u200b", "topic": "t", "title": "task", "name": "notes.txt",
        "from": person, "sender": person, "toRecipients": [person], "ccRecipients": [],
        "bccRecipients": [], "attendees": [person], "organizer": person, "isOrganizer": True,
        "start": moment, "end": moment, "dueDateTime": moment, "receivedDateTime":
        "2026-11-20T09:00:00Z", "lastModifiedDateTime": "2026-11-20T09:00:00Z",
        "createdDateTime": "2026-11-20T09:00:00Z", "isDraft": True, "isRead": False,
        "hasAttachments": True, "body": {"contentType": "html", "content": "<p>x</p>"},
        "uniqueBody": {"contentType": "text", "content": "x"}, "bodyPreview": "p" * 300,
        "size": 1234, "file": {"mimeType": "text/plain"}, "contentType": "text/plain",
        "parentReference": {"driveId": "b!D1", "path": "/drive/root:/Reports"},
        "@odata.type": "#microsoft.graph.fileAttachment", "messageType": "message",
        "@microsoft.graph.downloadUrl": "https://contoso.sharepoint.com/download/1",
        "uploadUrl": "https://contoso.sharepoint.com/upload/1", "members": [],
        "webUrl": "https://contoso.sharepoint.com/x", "link": {"webUrl": "https://x.example"},
        "hitsContainers": [{"hits": [hit], "moreResultsAvailable": False}], "scheduleItems": [],
        "scheduleId": "lynne@contoso.example", "availabilityView": "0",
        "meetingTimeSuggestions": [],
        "chatType": "oneOnOne", "status": "notStarted", "importance": "normal", "categories": [],
    }  # fmt: skip
