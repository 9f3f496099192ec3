import socket
import ssl
from contextlib import contextmanager

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from obo_tenant.agent import Agent, agent_routes
from obo_tenant.agent.turn import Server, Turn
from unit.clients.browser import Browser
from unit.clients.entra import Verifier
from unit.clients.small_server import Refused, running


class World:
    """One agent of our own beside the tenant's, with a clock that the test moves."""

    def __init__(self, entra, server_url, agent_app, server_scope):
        self.entra, self.log, self.ahead_seconds = entra, [], 0
        connection = entra.apps["connection"]
        self.agent = Agent(
            base_url=entra.url,
            tenant_id=entra.facts["tenant_id"],
            client_id=connection["client_id"],
            client_secret=connection["client_secret"],
            server_scope=server_scope,
            check_token=Verifier(entra.keys(), agent_app["identifier_uri"], "user_impersonation"),
            ca_path=entra.ca_path,
            record=lambda **fields: self.log.append(fields),
            clock=lambda: entra.now() + self.ahead_seconds,
        )
        self.agent.server_url = server_url
        self.app = Starlette(routes=agent_routes(self.agent))

    def bearer(self, person):
        token = self.entra.token(person, "user-app", "agent-platform", ["user_impersonation"])
        return {"Authorization": f"Bearer {token}"}

    def ask(self, http, person, text, previous=None):
        body = {"input": text, "previous_response_id": previous}
        return http.post("/agent/responses", json=body, headers=self.bearer(person))

    def consent_link(self, http, person, text="who am I?"):
        answer = self.ask(http, person, text).json()
        (item,) = answer["output"]
        assert item["type"] == "oauth_consent_request"
        return answer["id"], item["consent_link"]

    def come_back(self, link, person):
        """Sign in at the tenant; gives the query that the browser brings back."""
        stop_at = f"{self.entra.url}/agent/redirect"
        with Browser(self.entra.ca_path, self.entra.people[person]) as browser:
            return browser.sign_in(link, stop_at=stop_at)

    def connect(self, http, person):
        response_id, link = self.consent_link(http, person)
        page = http.get("/agent/redirect", params=self.come_back(link, person))
        assert page.status_code == 200, page.text
        return response_id


@pytest.fixture
def world(entra, delegated_url):
    scope = f"{entra.apps['mcp-server']['identifier_uri']}/mcp.access"
    return World(entra, delegated_url, entra.apps["agent-platform"], scope)


@pytest.fixture(scope="session")
def refusing_server():
    """Called with a Refused, gives the URL of a server that answers nothing else."""
    answers = []

    def refuse(_):
        raise answers[-1]

    def refusing(answer):
        answers.append(answer)
        return url

    with running(refuse) as (url, _):
        yield refusing


@pytest.fixture
def http(world):
    with TestClient(world.app, follow_redirects=False) as client:
        yield client


def kinds(answer):
    return [item["type"] for item in answer["output"]]


def calls(answer):
    return [item for item in answer["output"] if item["type"] == "mcp_call"]


@pytest.mark.parametrize(
    ("mode", "version"),
    [("auto", "2026-07-28"), ("legacy", "2025-11-25"), ("modern", "2026-07-28")],
)
def test_after_consent_the_agent_acts_as_the_person(world, http, mode, version):
    world.agent.protocol_mode = mode
    previous = world.connect(http, "adele")
    answer = world.ask(http, "adele", "who am I?", previous).json()
    assert kinds(answer) == ["mcp_list_tools", "mcp_call", "message"]
    (call,) = calls(answer)
    assert call["structured"] == {"oid": world.entra.people["adele"]["oid"]}
    assert answer["status"] == "completed"
    client, server = answer["hops"]
    assert client["audience"] == "https://ai.azure.com"
    assert client["client"] == world.entra.apps["user-app"]["client_id"]
    assert server["audience"] == world.entra.apps["mcp-server"]["client_id"]
    assert server["client"] == world.entra.apps["connection"]["client_id"]
    assert (server["person"], server["scope"]) == ("adele", "mcp.access")
    assert (server["token"], server["protocol_version"]) == ("stored", version)
    assert 0 < server["remaining_seconds"] <= 3600 * 2


def test_the_first_hit_is_read_when_asked_to_read(world, http):
    world.connect(http, "adele")
    answer = world.ask(http, "adele", 'read the mail "Q3"').json()
    search, read = calls(answer)
    assert (search["name"], search["arguments"]) == ("mail_search", {"query": "Q3"})
    assert read["output"] == f"body of m1-of-{world.entra.people['adele']['oid']}"
    assert read["output"] in answer["output"][-1]["content"][0]["text"]


def test_the_coming_seven_days_are_asked_of_the_calendar(world, http):
    world.connect(http, "adele")
    (call,) = calls(world.ask(http, "adele", "my meetings?").json())
    assert call["is_error"] is False
    assert set(call["arguments"]) == {"start", "end"}


def test_no_question_repeats_the_one_that_asked_for_consent(world, http):
    previous = world.connect(http, "adele")
    answer = http.post(
        "/agent/responses",
        json={"previous_response_id": previous},
        headers=world.bearer("adele"),
    ).json()
    assert calls(answer)[0]["name"] == "whoami"


def test_a_tool_that_is_not_listed_is_not_called(world, http):
    world.connect(http, "adele")
    answer = world.ask(http, "adele", '{"tool": "drop_everything"}').json()
    assert kinds(answer) == ["mcp_list_tools", "error"]
    assert answer["output"][-1]["code"] == "tool_not_listed"


def test_a_tool_error_is_part_of_the_answer(world, http):
    world.connect(http, "adele")
    answer = world.ask(http, "adele", '{"tool": "refuses"}').json()
    (call,) = calls(answer)
    assert call["is_error"] is True
    assert "not found" in answer["output"][-1]["content"][0]["text"]


def test_bad_arguments_come_back_as_a_tool_error(world, http):
    world.connect(http, "adele")
    for mode in ("legacy", "modern"):
        world.agent.protocol_mode = mode
        text = '{"tool": "types", "arguments": {"count": "x"}}'
        (call,) = calls(world.ask(http, "adele", text).json())
        assert call["is_error"] is True


def test_the_consent_of_somebody_else_is_not_accepted(world, http):
    _, link = world.consent_link(http, "adele")
    page = http.get("/agent/redirect", params=world.come_back(link, "megan"))
    assert page.status_code == 403
    assert "somebody else" in page.text
    for person in ("adele", "megan"):
        assert kinds(world.ask(http, person, "who am I?").json()) == ["oauth_consent_request"]


def test_a_state_works_once(world, http):
    _, link = world.consent_link(http, "adele")
    query = world.come_back(link, "adele")
    assert http.get("/agent/redirect", params=query).status_code == 200
    again = http.get("/agent/redirect", params=query)
    assert again.status_code == 400
    assert "has been used or has expired" in again.text


def test_a_state_expires(world, http):
    _, link = world.consent_link(http, "adele")
    query = world.come_back(link, "adele")
    world.ahead_seconds = 601
    assert http.get("/agent/redirect", params=query).status_code == 400


def test_a_code_made_for_another_sign_in_is_refused(world, http):
    """The code verifier belongs to the state: a stolen code cannot be pasted into another flow."""
    _, first = world.consent_link(http, "adele")
    _, second = world.consent_link(http, "adele")
    mixed = world.come_back(first, "adele") | {"state": world.come_back(second, "adele")["state"]}
    page = http.get("/agent/redirect", params=mixed)
    assert page.status_code == 400
    assert kinds(world.ask(http, "adele", "who am I?").json()) == ["oauth_consent_request"]


def test_a_declined_consent_ends_the_link_and_shows_no_markup(world, http):
    _, link = world.consent_link(http, "adele")
    state = httpx2.URL(link).params["state"]
    query = {"state": state, "error": "access_denied", "error_description": "<script>no</script>"}
    page = http.get("/agent/redirect", params=query)
    assert page.status_code == 400
    assert "&lt;script&gt;" in page.text
    assert http.get("/agent/redirect", params={"state": state, "code": "x"}).status_code == 400


def test_an_expiring_token_is_refreshed_before_use(world, http):
    world.connect(http, "adele")
    hop = world.ask(http, "adele", "who am I?").json()["hops"][1]
    world.ahead_seconds = hop["remaining_seconds"] - 30
    refreshed = world.ask(http, "adele", "who am I?").json()
    assert refreshed["hops"][1]["token"] == "refreshed"
    assert calls(refreshed)[0]["is_error"] is False
    assert world.ask(http, "adele", "who am I?").json()["hops"][1]["token"] == "stored"


def test_a_refused_refresh_leads_back_to_consent(world, http):
    world.connect(http, "alex")
    world.ahead_seconds = 24 * 3600
    world.entra.revoke_sign_ins("alex")
    assert kinds(world.ask(http, "alex", "who am I?").json()) == ["oauth_consent_request"]


def test_many_requests_with_an_expiring_token_refresh_it_once(world, http):
    world.connect(http, "adele")
    world.ahead_seconds = 24 * 3600
    before = world.entra.grants("refresh_token")

    async def all_at_once():
        answers = []
        async with asgi_client(world) as client, anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask_into, world, client, "adele", answers)
        return answers

    answers = http.portal.call(all_at_once)
    assert [kinds(answer)[-1] for answer in answers] == ["message"] * 5
    assert world.entra.grants("refresh_token") - before == 1


@contextmanager
def nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.parametrize("mode", ["legacy", "modern"])
def test_a_call_that_takes_too_long_is_given_up(small_server, mode):
    server = Server(
        url=small_server, mode=mode, trust=ssl.create_default_context, call_timeout_seconds=0.3
    )
    turn = Turn('{"tool": "hangs"}', 0.0)
    anyio.run(server.take, turn, "good")
    assert turn.output[-1]["code"] == "timeout"
    assert turn.notes[-1].error == "timeout"


def test_a_token_endpoint_that_is_down_costs_nobody_their_consent(world, http):
    world.connect(http, "adele")
    world.ahead_seconds = 24 * 3600
    with world.entra.fault({"where": "token", "status": 503, "count": 1}):
        answer = world.ask(http, "adele", "who am I?").json()
    assert answer["output"][-1]["code"] == "token_endpoint_down"
    assert world.ask(http, "adele", "who am I?").json()["hops"][1]["token"] == "refreshed"


def test_a_sign_in_that_meets_a_token_endpoint_that_is_down_says_so(world, http):
    _, link = world.consent_link(http, "adele")
    query = world.come_back(link, "adele")
    with world.entra.fault({"where": "token", "status": 503, "count": 1}):
        page = http.get("/agent/redirect", params=query)
    assert page.status_code == 502
    assert "could not be completed" in page.text


@pytest.mark.parametrize("mode", ["auto", "legacy", "modern"])
def test_a_server_that_is_down_is_reported(world, http, mode):
    world.connect(http, "adele")
    world.agent.protocol_mode = mode
    with nothing_listens() as world.agent.server_url:
        answer = world.ask(http, "adele", "who am I?").json()
    assert answer["status"] == "failed"
    assert answer["output"][-1]["code"] == "unreachable"


@pytest.mark.parametrize("mode", ["auto", "legacy", "modern"])
@pytest.mark.parametrize(
    ("status", "headers", "body", "code", "words"),
    [
        (401, {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="made for '
               'another server"'}, None, "invalid_token", "401: made for another server"),
        (403, {"WWW-Authenticate": 'Bearer error="insufficient_scope", error_description="mcp.admin'
               ' is needed"'}, None, "insufficient_scope", "mcp.admin is needed"),
        (503, {"Retry-After": "7"}, {"error_description": "keys are gone"}, "unavailable",
         "503: keys are gone. Try again in 7 seconds."),
    ],
)  # fmt: skip
def test_the_servers_own_words_reach_the_person(  # noqa: PLR0917 - parameters are the table's columns
    world, http, refusing_server, mode, status, headers, body, code, words
):
    world.connect(http, "adele")
    world.agent.protocol_mode = mode
    world.agent.server_url = refusing_server(Refused(status, headers, body))
    answer = world.ask(http, "adele", "who am I?").json()
    assert answer["output"][-1]["code"] == code
    assert words in answer["output"][-1]["message"]


def test_a_refused_token_is_renewed_before_the_next_call(
    world, http, delegated_url, refusing_server
):
    world.connect(http, "adele")
    world.agent.server_url = refusing_server(Refused(401))
    world.ask(http, "adele", "who am I?")
    world.agent.server_url = delegated_url
    answer = world.ask(http, "adele", "who am I?").json()
    assert answer["hops"][1]["token"] == "refreshed"


def test_without_a_server_nobody_is_asked_to_consent(world, http):
    world.agent.server_url = None
    assert world.ask(http, "adele", "hi").json()["output"][-1]["code"] == "no_server"


def test_without_a_token_the_agent_asks_for_one(http):
    refused = http.post("/agent/responses", json={"input": "hi"})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("change", [{"foreign_key": True}, {"lifetime_seconds": -600}])
def test_a_bad_token_is_refused_with_a_challenge(world, http, change):
    token = world.entra.token("adele", "user-app", "agent-platform", **change)
    refused = http.post(
        "/agent/responses", json={"input": "hi"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert token not in refused.text


def test_an_application_is_not_a_person(world, http):
    token = world.entra.token(None, "agent-identity", "agent-platform", app_only=True)
    refused = http.post(
        "/agent/responses", json={"input": "hi"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_person")


def test_a_response_of_somebody_else_is_unknown(world, http):
    previous = world.connect(http, "adele")
    for person, response_id in (("megan", previous), ("adele", "resp_nothing")):
        refused = world.ask(http, person, "who am I?", response_id)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[" * 50_000, 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"input": 3}', 400),
        (b'{"input": "  "}', 400),
        (b'{"input": "{oops"}', 400),
        (b'{"input": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
def test_a_request_of_the_wrong_shape_is_refused(world, http, body, status):
    refused = http.post("/agent/responses", content=body, headers=world.bearer("adele"))
    assert refused.status_code == status
    assert refused.json()["error"]["message"]


def asgi_client(world):
    transport = httpx2.ASGITransport(app=world.app)
    return httpx2.AsyncClient(transport=transport, base_url="https://agent.local", timeout=30)


async def ask_into(world, client, person, answers):
    body = {"input": "who am I?"}
    answer = await client.post("/agent/responses", json=body, headers=world.bearer(person))
    answers.append(answer.json() | {"asked_by": person})


def test_two_people_interleaved_are_never_mixed(world, http):
    people = ("adele", "megan")
    for person in people:
        world.connect(http, person)

    async def interleaved():
        answers = []
        async with asgi_client(world) as client, anyio.create_task_group() as tasks:
            for turn in range(20):
                tasks.start_soon(ask_into, world, client, people[turn % 2], answers)
        return answers

    answers = http.portal.call(interleaved)
    assert len(answers) == 20
    for answer in answers:
        oid = world.entra.people[answer["asked_by"]]["oid"]
        assert calls(answer)[0]["structured"] == {"oid": oid}
        assert {hop["oid"] for hop in answer["hops"]} == {oid}


def test_every_step_is_logged_and_no_token_is(world, http):
    world.connect(http, "adele")
    world.ask(http, "adele", "who am I?")
    steps = [(entry["path"], entry["status"]) for entry in world.log]
    assert steps == [
        ("connection/consent", 200),
        ("/agent/responses", 200),
        ("connection/granted", 200),
        ("/agent/redirect", 200),
        ("tools/list", 200),
        ("tools/call whoami", 200),
        ("/agent/responses", 200),
    ]
    assert {entry["where"] for entry in world.log} == {"agent"}
    call = world.log[5]
    assert (call["person"], call["scope"]) == ("adele", "mcp.access")
    assert call["actor"] == world.entra.apps["connection"]["client_id"]
    assert "eyJ" not in repr(world.log)
    assert "eyJ" not in repr(vars(world.agent.consents._grants))


def test_the_tenants_own_agent_serves_a_person_from_door_to_tool(entra, delegated_url):
    """Nothing but HTTPS: the switch, the question, the sign-in in a browser, the answer."""
    entra.http.put("/_tenant/connection", json={"server_url": delegated_url})
    token = entra.token("megan", "user-app", "agent-platform")
    headers = {"Authorization": f"Bearer {token}"}
    asked = entra.http.post("/agent/responses", json={"input": "who am I?"}, headers=headers).json()
    with Browser(entra.ca_path, entra.people["megan"]) as browser:
        page = browser.sign_in(asked["output"][0]["consent_link"])
    assert "You are connected" in page.text
    again = {"previous_response_id": asked["id"]}
    answer = entra.http.post("/agent/responses", json=again, headers=headers).json()
    assert calls(answer)[0]["structured"] == {"oid": entra.people["megan"]["oid"]}
    log = entra.http.get("/_tenant/log").json()["entries"]
    mine = [entry for entry in log if entry["where"] == "agent" and entry["person"] == "megan"]
    assert mine[-1]["path"] == "/agent/responses"
    assert mine[-2]["actor"] == "connection"
