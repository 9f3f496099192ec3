"""The tenant's Graph against msgraph-sdk: every route exists there, every answer is of its type."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pytest
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from starlette.applications import Starlette
from starlette.testclient import TestClient

from obo_tenant.faults import Disturbance
from obo_tenant.graph.routes import graph_routes
from obo_tenant.people import PEOPLE
from support.graph_templates import check_request, find_known
from support.typed import leftovers, parse

ORIGIN = "https://graph.test"
START = 1795000000.0
ADELE, MEGAN = PEOPLE[0], PEOPLE[1]
WINDOW = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2026-12-20T00:00:00Z"
NEEDED = {"calendarView": WINDOW, "instances": WINDOW}
MOST_TRIES = 40
OPEN = (".assignments",)  # the members of plannerAssignments are people, not properties
SLOT = {
    "start": {"dateTime": "2026-12-01T09:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
}
TO_MEGAN = [{"emailAddress": {"address": MEGAN.user_principal_name}}]
MAIL = {"subject": "Lamps", "toRecipients": TO_MEGAN, "body": {"content": "Eleven are left."}}
MEMBER = {
    "@odata.type": "#microsoft.graph.aadUserConversationMember",
    "roles": ["owner"],
}

# What to send to a path, by its last segment; where that says too little, by its first as well.
BODIES = {
    "messages": MAIL,
    "chats/messages": {"body": {"content": "Hello"}},
    "me/chats/messages": {"body": {"content": "Hello"}},
    "move": {"destinationId": "archive"},
    "createReply": {"comment": "Thanks."},
    "createReplyAll": {"comment": "Thanks."},
    "createForward": {"toRecipients": TO_MEGAN, "comment": "Look."},
    "send": None,
    "sendMail": {"message": MAIL},
    "attachments": {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "lamps.txt",
        "contentBytes": "ZWxldmVu",
    },
    "attachments/createUploadSession": {
        "AttachmentItem": {"attachmentType": "file", "name": "lamps.bin", "size": 4_000_000}
    },
    "createUploadSession": {},
    "$batch": {"requests": [{"id": "1", "method": "GET", "url": "/me"}]},
    "children": {"name": "New", "folder": {}, "@microsoft.graph.conflictBehavior": "rename"},
    "createLink": {"type": "view", "scope": "organization"},
    "invite": {
        "recipients": [{"email": MEGAN.user_principal_name}],
        "roles": ["read"],
        "requireSignIn": True,
    },
    "query": {"requests": [{"entityTypes": ["driveItem"], "query": {"queryString": "lamp*"}}]},
    "events": {"subject": "Talk", **SLOT},
    "cancel": {"comment": "No time."},
    "accept": {"sendResponse": False},
    "tentativelyAccept": {"sendResponse": False},
    "decline": {"sendResponse": False},
    "getSchedule": {
        "schedules": [MEGAN.user_principal_name],
        "startTime": SLOT["start"],
        "endTime": SLOT["end"],
    },
    "findMeetingTimes": {
        "attendees": [{"type": "required", **TO_MEGAN[0]}],
        "meetingDuration": "PT30M",
    },
    "chats": {
        "chatType": "oneOnOne",
        "members": [
            {**MEMBER, "user@odata.bind": f"{ORIGIN}/v1.0/users('{person.oid}')"}
            for person in (ADELE, MEGAN)
        ],
    },
    "tasks": {"title": "Count the lamps"},
}


@dataclass
class Served:
    """The tenant's Graph, asked as Adele with every scope there is."""

    lists: dict = field(default_factory=dict)

    @cached_property
    def routes(self):
        return graph_routes(
            check_token=lambda _token: {"oid": ADELE.oid, "appid": "a", "scp": self.scopes},
            fault=self._no_fault,
            record=lambda **_fields: None,
            base_url=ORIGIN,
            clock=lambda: START,
        )

    @cached_property
    def operations(self):
        return next(
            route.endpoint.__self__.operations for route in self.routes if "v1.0" in route.path
        )

    @cached_property
    def scopes(self):
        return " ".join(sorted({each for one in self.operations for each in one.scopes} | MORE))

    @cached_property
    def client(self):
        app = Starlette(routes=self.routes)
        return TestClient(app, base_url=ORIGIN, follow_redirects=False)

    def ask(self, method, path, body=None):
        tail = path.rpartition("/")[2]
        query = f"?{NEEDED[tail]}" if tail in NEEDED else ""
        headers = {"Authorization": "Bearer x", "ConsistencyLevel": "eventual"}
        return self.client.request(method, f"/v1.0{path}{query}", json=body, headers=headers)

    def listed(self, path):
        """What a collection holds; nothing for what is none."""
        if path not in self.lists:
            answer = self.ask("GET", path)
            self.lists[path] = answer.json().get("value", []) if answer.status_code == 200 else []
        return self.lists[path]

    async def _no_fault(self, *_asked):
        return Disturbance()


MORE = {
    "Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Mail.Read", "Calendars.Read",
    "Chat.Read", "User.Read.All",
}  # fmt: skip


@pytest.fixture(scope="module")
def served():
    return Served()


def examples(served, pattern) -> Iterator[str]:
    """Real paths that fit a pattern: ids come from the collection before them."""
    paths, at = [""], 0
    while at < len(pattern):
        segment = pattern[at]
        at += 1
        if segment == ":":
            paths = [f"{path}:/{name}:" for path in paths for name in names_below(served, path)]
            at += 1
        elif segment == "search()":
            paths = [f"{path}/search(q='lamp')" for path in paths]
            at += 1
        elif segment.startswith("{"):
            found = (values(served, path, segment) for path in paths)
            paths = [
                f"{path}/{value}" for path, some in zip(paths, found, strict=True) for value in some
            ]
        else:
            paths = [f"{path}/{segment}" for path in paths]
    return iter(paths)


def names_below(served, path):
    """Names of a file, of a folder and of nothing, below the folder at `path`."""
    if path.startswith("/sites/"):
        return ["sites/retail"]
    if "folder" not in served.ask("GET", path).json():
        return []
    return ["Notes/Lamp page.html", "Notes", "no such thing yet"]


def values(served, path, name):
    """Ids that may stand for `{name}` after `path`."""
    if name in SPECIAL:
        return SPECIAL[name](served)
    collection = "/me/planner/tasks" if path == "/planner/tasks" else path
    wanted = ["?$filter=hasAttachments eq true", "?$filter=isDraft eq true"]
    asked = [collection + each for each in wanted] if path == "/me/messages" else [collection]
    found = [item for each in asked for item in served.listed(each)[-MOST_TRIES:]]
    return [each["id"] for each in reversed(found) if "id" in each] or ["nothing-there"]


def share_of(served):
    url = served.ask("GET", "/me/drive/root:/Notes/Lamp page.html").json()["webUrl"]
    return ["u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")]


def items_of(served):
    file = served.ask("GET", "/me/drive/root:/Notes/Lamp page.html").json()["id"]
    return [served.ask("GET", "/me/drive/root").json()["id"], file]


SPECIAL = {
    "{drive}": lambda served: [served.ask("GET", "/me/drive").json()["id"]],
    "{host}": lambda served: [
        served.ask("GET", "/sites/root").json()["siteCollection"]["hostname"]
    ],
    "{item}": items_of,
    "{share}": share_of,
}


def operations():
    return Served().operations


def named(operation):
    return f"{operation.method} {'/'.join(operation.pattern)}"


def as_path(operation):
    """A path of the operation's form."""
    path = "/" + "/".join(operation.pattern)
    path = path.replace("/:/{path}", ":/x:").replace("search()/{words}", "search(q='x')")
    return re.sub(r"[{}]", "", path)


@pytest.mark.parametrize("operation", operations(), ids=named)
def test_every_route_of_the_tenant_is_one_of_graph(operation):
    check_request(operation.method, as_path(operation))


def body_for(operation):
    words = [part for part in operation.pattern if part[0] not in "{:"]
    for key in ("/".join(words), f"{words[0]}/{words[-1]}", "/".join(words[-2:]), words[-1]):
        if key in BODIES:
            return BODIES[key]
    raise LookupError(f"no body to send to {named(operation)}")


def lost(shown, again, path=""):
    """What is in the answer and not in what the model makes of it: unknown enum members."""
    if isinstance(shown, list):
        pairs = zip(shown, again or [None] * len(shown), strict=True)
        return [each for one, other in pairs for each in lost(one, other, path + "[]")]
    if not isinstance(shown, dict) or not isinstance(again, dict):
        return [path] if again is None and shown not in (None, [], {}) else []
    named_ones = {
        name: value for name, value in shown.items() if "@" not in name and not path.endswith(OPEN)
    }
    return [
        each
        for name, value in named_ones.items()
        for each in lost(value, again.get(name), f"{path}.{name}")
    ]


def written(model):
    writer = JsonSerializationWriter()
    writer.write_object_value(None, model)
    return json.loads(writer.get_serialized_content())


def check_type(operation, path, answer):
    """Fail unless the answer is of the type that Graph names for this path."""
    model = find_known(operation.method, path).model()
    if model is None or "json" not in answer.headers.get("Content-Type", ""):
        return
    shown = answer.json()
    if isinstance(shown.get("value"), list):
        shown["value"] = shown["value"][:5]
    typed = parse(model, shown)
    unknown = [each for each in leftovers(typed) if not each.rpartition(".")[0].endswith(OPEN)]
    assert unknown == []
    assert lost(shown, written(typed)) == []


READS = [each for each in operations() if each.method == "GET"]
WRITES = [each for each in operations() if each.method == "POST"]


@pytest.mark.parametrize("operation", READS, ids=named)
def test_what_is_read_is_of_the_type_that_graph_names(served, operation):
    check_first_success(served, operation)


@pytest.mark.parametrize("operation", WRITES, ids=named)
def test_what_an_action_answers_is_of_the_type_that_graph_names(served, operation):
    check_first_success(served, operation, body_for(operation))


def check_first_success(served, operation, body=None):
    """Ask for real things until one is there and not empty."""
    answer = None
    for path in examples(served, operation.pattern):
        answer = served.ask(operation.method, path, body)
        if answer.is_redirect:
            return
        if answer.is_success:
            check_type(operation, path, answer)
            if '"value":[]' not in answer.text:
                return
    assert answer is not None, "no path to ask for"
    assert answer.is_success, answer.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("message", "re"),
        ("event", "the OR lunch"),
        ("driveItem", "lamp*"),
        ("listItem", "filetype:pptx"),
        ("site", "retail"),
        ("chatMessage", "the"),
    ],
)
def test_every_kind_of_hit_is_of_its_type(served, kind, words):
    query = {"entityTypes": [kind], "query": {"queryString": words}, "size": 25}
    answer = served.ask("POST", "/search/query", {"requests": [query]})
    assert answer.is_success, answer.text
    shown = answer.json()
    hits = shown["value"][0]["hitsContainers"][0]["hits"]
    assert {hit["resource"]["@odata.type"] for hit in hits} == {f"#microsoft.graph.{kind}"}
    typed = parse(find_known("POST", "/search/query").model(), shown)
    assert leftovers(typed) == []
    assert lost(shown, written(typed)) == []


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "/me/wardrobe", ()),
        ("DELETE", "/me/messages", ()),
        ("GET", "/me/messages", ("$selekt",)),
        ("GET", "/me/drive/root:/a:/wardrobe", ()),
        ("POST", "/me/drive/root:/a.txt:/content", ()),
        ("GET", "/sites", ("$serch",)),
    ],
)
def test_what_graph_does_not_have_is_noticed(method, path, names):
    with pytest.raises(AssertionError):
        check_request(method, path, names)


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "/v1.0/me/messages", ("$select", "$top", "$filter")),
        ("GET", "/me/drive/root:/a%20b/c.txt:/content", ("format",)),
        ("GET", "/me/drive/root%3A%2Fa%2Fb.txt%3A", ("$select",)),
        ("PUT", "/drives/b!1/items/2:/n%3An.txt:/content", ("@microsoft.graph.conflictBehavior",)),
        ("PATCH", "/me/drive/root:/a.txt:", ()),
        ("GET", "/sites/h.example:/sites/a:/drive", ()),
        ("GET", "/me/drive/root/search(q='it%27%27s%2Fit')", ("$top",)),
        ("GET", "/chats/19:abc@thread.v2/messages", ("$top", "$orderby")),
        ("GET", "/users/a%40b.example/calendarView", ("startDateTime", "endDateTime")),
        ("POST", "/$batch", ()),
    ],
)
def test_what_graph_has_is_let_through(method, path, names):
    check_request(method, path, names)
