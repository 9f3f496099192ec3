"""The front door: credentials, challenges, metadata, health, and who gets through."""

import asyncio
import base64
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.asgi.middleware import Door, OnBehalfOfMiddleware
from obo_mcp.errors import (
    ConsentRequired,
    InsufficientScope,
    InteractionRequired,
    KeysUnavailable,
    NotDelegated,
    TokenExpired,
)
from obo_mcp.observe import fields_of
from obo_mcp.secret import Secret
from support.asgi import bearer, call

RESOURCE = ProtectedResource(
    url="https://mcp.example/mcp",
    authorization_servers=("https://login.example/t/v2.0",),
    scope="api://app/mcp.access",
)
METADATA_URL = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
HTTP = {"query_string": b"", "server": ("h", 80), "scheme": "http", "http_version": "1.1"}
MAX_BODY_BYTES = 1024
GUARD = Guard(
    hosts=frozenset({"mcp.example"}), origins=frozenset({"https://mcp.example"}), local_pages=False
)
TOKEN = bearer(Secret("some.access.token"))


class House:
    """Stands for everything behind and beside the door; records what the application saw."""

    def __init__(self):
        self.refusal = None
        self.failure = None
        self.ready = True
        self.seen = []
        self.admitted = []
        self.left = []

    async def verify(self, token):
        if self.refusal:
            raise self.refusal
        return token.reveal()

    def admit(self, scope, caller, refuse):
        self.admitted.append(caller)
        scope["refuse"] = refuse
        return lambda: self.left.append(caller)

    async def app(self, scope, receive, send):
        self.seen.append(scope["path"])
        if self.failure == "late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            raise RuntimeError("too late for an answer")
        if self.failure:
            raise self.failure
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"served"})

    @asynccontextmanager
    async def running(self):
        yield


@pytest.fixture
def house():
    return House()


def door(house, *, post_only=True, resource=RESOURCE):
    return OnBehalfOfMiddleware(
        house.app,
        Door(
            resource=resource,
            guard=GUARD,
            max_body_bytes=MAX_BODY_BYTES,
            verify=house.verify,
            admit=house.admit,
            running=house.running,
            is_ready=lambda: house.ready,
            post_only=post_only,
        ),
    )


async def test_a_request_with_a_good_token_is_served(house):
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.body) == (200, b"served")
    assert house.admitted[0].principal == "some.access.token"
    assert house.left == house.admitted


@pytest.mark.parametrize("name", [b"authorization", b"Authorization"])
async def test_the_application_can_read_the_token_and_nobody_sees_it_in_the_scope(house, name):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, Request(scope).headers))
        await house.app(scope, receive, send)

    fields = ((b"accept", b"x"), (name, TOKEN[1]), (b"host", b"mcp.example"))
    served = OnBehalfOfMiddleware(app, door(house)._door)
    assert (await call(served, headers=fields)).status == 200
    (scope, headers) = seen[0]
    assert tuple(scope["headers"]) == fields
    if name.islower():
        assert headers["authorization"] == "Bearer some.access.token"
    assert "some.access" not in f"{scope} {headers} {headers.raw}"


async def test_without_a_token_the_challenge_names_no_error(house):
    answer = await call(door(house))
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{METADATA_URL}", scope="api://app/mcp.access"'
    )
    assert house.seen == []


REFUSALS = [
    (TokenExpired(), 401, "invalid_token"),
    (NotDelegated(), 401, "invalid_token"),
    (InsufficientScope(), 403, "insufficient_scope"),
    (ConsentRequired(), 403, "consent_required"),
]


@pytest.mark.promise("P-07")
@pytest.mark.parametrize(("refusal", "status", "code"), REFUSALS, ids=lambda value: str(value)[:14])
async def test_every_401_and_403_carries_metadata_scope_and_the_reason(
    house, refusal, status, code
):
    house.refusal = refusal
    answer = await call(door(house), headers=[TOKEN])
    challenge = answer.headers["www-authenticate"]
    assert answer.status == status
    assert f'resource_metadata="{METADATA_URL}"' in challenge
    assert 'scope="api://app/mcp.access"' in challenge
    assert f'error="{code}"' in challenge
    assert answer.json["error"] == code
    assert answer.json["error_description"] == str(refusal)
    assert len(answer.json["correlation_id"]) == 36
    assert answer.headers["cache-control"] == "no-store"


async def test_a_claims_challenge_travels_as_base64(house):
    house.refusal = InteractionRequired(claims='{"access_token":{}}')
    answer = await call(door(house), headers=[TOKEN])
    claims = base64.b64encode(b'{"access_token":{}}').decode()
    assert f'claims="{claims}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "claims", ["\ud800", "é" * 4097, "x" * 200_000], ids=["odd", "8 KiB", "200 KB"]
)
async def test_no_claims_keep_a_challenge_from_going_out(house, claims):
    house.refusal = InteractionRequired(claims=claims)
    answer = await call(door(house), headers=[TOKEN])
    assert answer.status == 401
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]
    assert len(answer.headers["www-authenticate"]) < 1024


async def test_an_outage_is_503_with_retry_after_and_no_challenge(house):
    house.refusal = KeysUnavailable(retry_after_seconds=42)
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.headers["retry-after"]) == (503, "42")
    assert "www-authenticate" not in answer.headers


BAD_HEADERS = {
    "two headers": ([TOKEN, TOKEN], 400),
    "the same header in another case": ([TOKEN, (b"Authorization", TOKEN[1])], 400),
    "two tokens in one": ([(b"authorization", b"Bearer a.b.c, Bearer d.e.f")], 400),
    "bearer alone": ([(b"authorization", b"Bearer")], 400),
    "bearer and spaces": ([(b"authorization", b"Bearer   ")], 400),
    "bytes that are not ascii": ([(b"authorization", b"Bearer \xff\xfe")], 400),
    "a token with a line break": ([(b"authorization", b"Bearer a.b\r\n.c")], 400),
    "basic": ([(b"authorization", b"Basic dXNlcjpwYXNz")], 401),
    "empty": ([(b"authorization", b"")], 401),
    "a tab between": ([(b"authorization", b"Bearer\ta.b.c")], 401),
}


@pytest.mark.promise("P-07")
@pytest.mark.parametrize(("headers", "status"), BAD_HEADERS.values(), ids=BAD_HEADERS)
async def test_odd_credentials_are_refused_and_reach_nobody(house, headers, status):
    answer = await call(door(house), headers=headers)
    assert answer.status == status
    assert house.seen == []


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
async def test_the_scheme_is_case_insensitive(house, scheme):
    answer = await call(door(house), headers=[(b"authorization", scheme + b" a.b.c")])
    assert answer.status == 200


async def test_a_token_in_the_query_is_not_a_token(house):
    answer = await call(door(house), scope={"query_string": b"access_token=a.b.c"})
    assert answer.status == 401


@pytest.mark.parametrize(
    "path",
    ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"],
)
async def test_the_metadata_is_public_at_both_places(house, path):
    answer = await call(door(house), path, method="GET")
    assert answer.json == {
        "resource": "https://mcp.example/mcp",
        "authorization_servers": ["https://login.example/t/v2.0"],
        "scopes_supported": ["api://app/mcp.access"],
        "bearer_methods_supported": ["header"],
    }
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_metadata_of_another_path_is_behind_the_door(house):
    path = "/.well-known/oauth-protected-resource/other"
    assert (await call(door(house), path, method="GET")).status == 401


async def test_a_resource_without_a_path_has_its_metadata_at_the_root():
    resource = ProtectedResource(url="https://h", authorization_servers=("a",), scope="s")
    assert resource.metadata_paths == {"/.well-known/oauth-protected-resource"}
    assert resource.metadata_url == "https://h/.well-known/oauth-protected-resource"


async def test_liveness_and_readiness_are_different_questions(house):
    app = door(house)
    assert (await call(app, "/readyz", method="GET")).status == 200
    house.ready = False
    assert (await call(app, "/livez", method="GET")).status == 200
    answer = await call(app, "/readyz", method="GET")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (b"", "ask again"),
        (b"admin_consent=True&tenant=t", "ask again"),
        (b"error=access_denied&error_description=%3Cscript%3Ealert(1)", "administrator"),
        (b"error=", "administrator"),
        (b"\xff&error", "administrator"),
    ],
)
async def test_the_page_behind_a_consent_is_public_static_and_repeats_nothing(house, query, words):
    path = "/.well-known/obo-mcp/consent"
    answer = await call(door(house), path, method="GET", scope={"query_string": query})
    assert answer.status == 200
    assert words in answer.body.decode()
    assert b"script" not in answer.body
    assert b"alert" not in answer.body
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert house.seen == []
    told_no = await call(door(house), path, method="GET", scope={"query_string": b"error=x"})
    assert (answer.body == told_no.body) == (b"error" in query)


async def test_head_gets_the_headers_alone(house):
    answer = await call(door(house), "/livez", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_a_stateless_endpoint_takes_post_only(house, method, path):
    answer = await call(door(house), path, method=method, headers=[TOKEN])
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert house.seen == []


async def test_a_stateful_endpoint_and_other_paths_take_what_they_take(house):
    assert (await call(door(house), "/else", method="GET", headers=[TOKEN])).status == 200
    stateful = door(house, post_only=False)
    assert (await call(stateful, method="DELETE", headers=[TOKEN])).status == 200


async def test_a_refusal_raised_by_the_application_is_answered_as_a_challenge(house):
    house.failure = InteractionRequired(claims="{}")
    answer = await call(door(house), headers=[TOKEN])
    assert answer.status == 401
    assert "insufficient_claims" in answer.headers["www-authenticate"]


async def test_a_crash_of_the_application_is_told_without_its_text(house, caplog):
    house.failure = RuntimeError("private")
    answer = await call(door(house), headers=[TOKEN])
    assert house.left == house.admitted
    assert answer.status == 500
    assert answer.json["error"] == "server_error"
    assert b"private" not in answer.body


async def test_a_crash_after_the_answer_began_is_left_to_the_server(house):
    house.failure = "late"
    with pytest.raises(RuntimeError):
        await call(door(house), headers=[TOKEN])


async def test_a_refusal_after_the_answer_began_is_left_to_the_server(house):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        raise ConsentRequired

    house.app = app
    with pytest.raises(ConsentRequired):
        await call(door(house), headers=[TOKEN])


def serving(*steps):
    """An application that sends each message of `steps` and refuses with each error of them."""

    async def app(scope, receive, send):
        for step in steps:
            if isinstance(step, Exception):
                scope["taken"] = scope["refuse"](step)
            else:
                await send(step)

    return app


BEGIN = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"served"}


@pytest.mark.parametrize(
    "steps", [(InteractionRequired(), BEGIN, END), (BEGIN, InteractionRequired(), END)]
)
async def test_a_refusal_while_serving_takes_the_place_of_an_answer_without_a_body_yet(
    house, steps
):
    house.app = serving(*steps)
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.json["error"]) == (401, "insufficient_claims")
    assert b"served" not in answer.body


async def test_a_refusal_after_the_body_began_is_not_taken(house):
    taken = []

    async def app(scope, receive, send):
        await send(BEGIN)
        await send({**END, "more_body": True})
        taken.append(scope["refuse"](InteractionRequired()))
        await send(END)

    house.app = app
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.body, taken) == (200, b"servedserved", [False])


async def test_what_opens_a_stream_by_get_is_told_at_once_that_it_is_open(house):
    sent = []

    async def app(scope, receive, send):
        await send(BEGIN)
        assert sent

    async def send(message):
        sent.append(message["type"])

    house.app = app
    headers = [TOKEN, (b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/stream", "headers": headers}
    await door(house)(scope, None, send)
    assert sent == ["http.response.start"]


async def test_a_refusal_while_serving_is_kept_from_a_client_that_has_left(house):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def app(scope, receive, send):
        await receive()
        scope["refuse"](InteractionRequired())
        await send(BEGIN)
        await send(END)

    async def send(message):
        sent.append(message)

    house.app = app
    headers = [TOKEN, (b"host", b"localhost")]
    await door(house)({"type": "http", "method": "POST", "path": "/mcp", "headers": headers},
                      receive, send)  # fmt: skip
    assert sent == []


async def test_a_frameworks_own_500_gives_way_to_the_refusal_behind_it(house):
    async def fails(request):
        raise ConsentRequired(retry_after_seconds=3)

    house.app = Starlette(routes=[Route("/else", fails)])
    answer = await call(door(house), "/else", method="GET", headers=[TOKEN], scope=HTTP)
    assert (answer.status, answer.json["error"]) == (403, "consent_required")
    assert "www-authenticate" in answer.headers


async def test_a_refusal_in_a_task_group_is_found(house):
    async def refuse():
        raise KeysUnavailable(retry_after_seconds=9)

    async def app(scope, receive, send):
        async with asyncio.TaskGroup() as group:
            group.create_task(refuse())

    house.app = app
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.headers["retry-after"]) == (503, "9")


async def test_a_frameworks_500_for_a_crash_gives_way_to_one_that_can_be_asked_about(house, caplog):
    async def fails(request):
        raise RuntimeError("private")

    house.app = Starlette(routes=[Route("/else", fails)])
    answer = await call(door(house), "/else", method="GET", headers=[TOKEN], scope=HTTP)
    assert (answer.status, answer.json["error"]) == (500, "server_error")
    assert answer.json["correlation_id"]
    assert b"private" not in answer.body
    assert "RuntimeError" in caplog.text


async def test_an_application_that_answers_nothing_is_answered_for(house):
    async def app(scope, receive, send):
        await receive()

    house.app = app
    assert (await call(door(house), headers=[TOKEN])).json["error"] == "server_error"


async def test_nothing_is_said_to_a_client_that_has_left(house):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        await receive()

    house.app = app
    headers = [TOKEN, (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    await door(house)(scope, receive, send)
    assert sent == []


async def test_a_client_that_hangs_up_is_no_failure_of_ours(house, caplog):
    caplog.set_level("INFO")

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError("there is nobody to hear it")

    async def app(scope, receive, send):
        await receive()
        raise RuntimeError("the client has left")

    house.app = app
    headers = [TOKEN, (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    await door(house)(scope, receive, send)
    assert caplog.records == []


async def test_a_body_that_ends_badly_after_the_answer_began_leaves_an_event(house, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    async def receive():
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def send(message):
        assert message.get("status", 200) == 200

    house.app = app
    headers = [TOKEN, (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    await door(house)(scope, receive, send)
    assert [fields_of(line)["reason"] for line in caplog.records] == ["BodyTooLarge"]


@pytest.mark.parametrize("root", ["/api", "/api/v1"])
async def test_probes_and_metadata_are_found_behind_a_root_path(house, root):
    app = door(house)
    well_known = "/.well-known/oauth-protected-resource"
    for path in ("/livez", "/readyz", well_known, f"{well_known}/mcp"):
        for scope in ({"root_path": root}, {}):
            prefix = scope.get("root_path", "")
            answer = await call(app, f"{prefix}{path}", method="GET", scope=scope)
            assert answer.status == 200
    assert (await call(app, f"{root}/livez", method="GET")).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_what_is_public_is_read_and_not_written(house, method):
    assert (await call(door(house), "/livez", method=method)).status == 401


@pytest.mark.parametrize("parts", [1, 40])
async def test_a_server_error_that_the_application_means_is_sent_whole(house, parts):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 502, "headers": []})
        for number in range(parts):
            more = number + 1 < parts
            await send({"type": "http.response.body", "body": b"x", "more_body": more})

    house.app = app
    answer = await call(door(house), headers=[TOKEN])
    assert (answer.status, answer.body) == (502, b"x" * parts)


async def test_an_encoded_path_is_the_path_it_stands_for(house):
    resource = ProtectedResource(url="https://h/my%20mcp", authorization_servers=("a",), scope="s")
    app = door(house, resource=resource)
    assert (await call(app, "/my mcp", method="GET", headers=[TOKEN])).status == 405
    metadata = "/.well-known/oauth-protected-resource/my mcp"
    assert (await call(app, metadata, method="GET")).status == 200


async def test_a_web_socket_is_closed(house):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await door(house)({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert house.seen == []


async def test_a_guid_of_the_callers_own_is_kept_and_any_other_replaced(house):
    app = door(house)
    await call(
        app, headers=[TOKEN, (b"client-request-id", b"7e1c7b0e-0000-4000-8000-000000000000")]
    )
    await call(app, headers=[TOKEN, (b"x-request-id", b"line\nbreak")])
    await call(app, headers=[TOKEN, (b"x-request-id", b"7e1c7b0e-1111-4000-8000-000000000000")])
    await call(app, headers=[TOKEN])
    ids = [caller.correlation_id for caller in house.admitted]
    assert ids[0] == "7e1c7b0e-0000-4000-8000-000000000000"
    assert "\n" not in ids[1]
    assert ids[2] == "7e1c7b0e-1111-4000-8000-000000000000"
    assert len(set(ids)) == 4
