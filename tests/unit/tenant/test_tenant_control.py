import json
import logging
import threading

import httpx
import pytest
from starlette.testclient import TestClient

from obo_tenant.app import create_app

DEFAULT = "https://graph.microsoft.com/.default"
SWITCHES = [
    ("GET", "/"),
    ("GET", "/log"),
    ("POST", "/tokens"),
    ("PUT", "/faults"),
    ("POST", "/keys/rotate"),
]


def test_the_overview_tells_a_client_all_it_needs(world):
    info = world.info
    assert info["authority"] == f"{world.url}/{info['tenant_id']}"
    assert info["graph_url"] == world.url
    assert set(info["apps"]) == {
        *("user-app", "agent-platform", "connection", "mcp-server", "expenses-api"),
        *("blueprint", "agent-identity", "other-blueprint", "other-agent", "managed-identity"),
    }
    server = info["apps"]["mcp-server"]
    assert server["identifier_uri"] == f"api://{server['client_id']}"
    assert server["scopes"] == ["mcp.access", "mcp.admin"]
    for app in ("user-app", "agent-identity", "other-agent", "managed-identity"):
        assert "client_secret" not in info["apps"][app]
    assert info["apps"]["agent-identity"]["blueprint"] == info["apps"]["blueprint"]["client_id"]
    assert info["apps"]["connection"]["redirect_uris"] == [f"{world.url}/agent/redirect"]
    assert info["people"]["adele"].keys() == {"oid", "name", "user_principal_name", "password"}


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), SWITCHES)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example:1"},
        {"host": "[::1"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://localhost:1"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost:port"},
    ],
    ids=str,
)
def test_no_foreign_page_turns_a_switch(world, method, path, headers):
    answer = world.http.request(method, f"/_tenant{path}", json={}, headers=headers)
    assert answer.status_code == 403


def test_a_page_of_our_own_origin_may_turn_switches(world):
    answer = world.http.get("/_tenant/", headers={"origin": world.url})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("203.0.113.9", 403),
        ("10.0.0.1", 403),
        ("unknown", 403),
        ("::ffff:203.0.113.9", 403),
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
    ],
)
def test_only_this_machine_turns_switches(world, peer, status):
    app = create_app(world.local.tenant)
    with TestClient(app, base_url="https://localhost", client=(peer, 5000)) as client:
        assert client.get("/_tenant/").status_code == status


# --- what they understand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "/tokens", {}, "resource"),
        ("POST", "/tokens", {"resource": "nothing"}, "nothing"),
        ("POST", "/tokens", {"resource": "mcp-server", "person": "bob"}, "bob"),
        ("POST", "/tokens", {"resource": "mcp-server", "client": "x"}, "'x'"),
        ("POST", "/tokens", {"resource": "mcp-server", "version": 3}, "version"),
        ("POST", "/tokens", {"resource": "mcp-server", "scopes": "mcp.access"}, "scopes"),
        ("POST", "/tokens", {"resource": "mcp-server", "scopes": [1]}, "scopes"),
        ("POST", "/tokens", {"resource": "mcp-server", "app_only": "yes"}, "app_only"),
        ("POST", "/tokens", {"resource": "mcp-server", "lifetime": 1}, "lifetime"),
        ("POST", "/tokens", {"resource": "mcp-server", "app_only": True, "id_token": True}, "ID"),
        ("POST", "/people", {"resource": "mcp-server"}, "count"),
        ("POST", "/people", {"resource": "mcp-server", "count": 10_001}, "count"),
        ("PUT", "/faults", {"where": "moon"}, "where"),
        ("PUT", "/faults", {"where": "token", "status": True}, "status"),
        ("PUT", "/faults", {"where": "token", "delay_seconds": -1}, "delay_seconds"),
        ("GET", "/log?since=x", None, "since"),
        ("PATCH", "/apps/nothing", {}, "nothing"),
        ("PATCH", "/apps/mcp-server", {"requested_access_token_version": 0}, "version"),
        ("PATCH", "/people/bob", {"enabled": False}, "bob"),
        ("PATCH", "/people/adele", {"enabled": "no"}, "enabled"),
        ("PUT", "/consents", {"client": "mcp-server", "resource": "graph"}, "scopes"),
        ("PUT", "/consents", {"client": "mcp-server", "resource": "moon"}, "moon"),
        (
            "PUT",
            "/consents",
            {"client": "mcp-server", "resource": "graph", "scopes": ["Moon.Read"]},
            "Moon.Read",
        ),
        ("PUT", "/connection", {}, "server_url"),
        ("PUT", "/connection", {"server_url": "file:///etc/passwd"}, "server_url"),
    ],
)
def test_a_wrong_order_is_refused_in_words(world, method, path, body, word):
    answer = world.http.request(method, f"/_tenant{path}", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(world, content):
    assert world.http.post("/_tenant/tokens", content=content).status_code == 400


# --- tokens --------------------------------------------------------------------------------------


def test_a_minted_token_is_like_one_from_the_token_endpoint(world):
    claims = world.claims(world.mint(person="megan", scopes=["mcp.admin"], lifetime_seconds=120))
    assert claims["aud"] == world.apps["mcp-server"]["client_id"]
    assert claims["azp"] == world.apps["connection"]["client_id"]
    assert (claims["scp"], claims["exp"] - claims["iat"]) == ("mcp.admin", 120)
    assert (claims["ver"], claims["idtyp"], claims["azpacr"]) == ("2.0", "user", "1")
    assert claims["oid"] == world.people["megan"]["oid"]
    assert {"uti", "rh", "sub", "tid", "nbf", "xms_ftd", "preferred_username"} <= claims.keys()


def test_claims_of_a_minted_token_can_be_changed_and_dropped(world):
    token = world.mint(claims={"scp": None, "roles": ["x"], "aud": "api://elsewhere"})
    claims = world.claims(token)
    assert (claims["roles"], claims["aud"]) == (["x"], "api://elsewhere")
    assert "scp" not in claims


def test_a_minted_id_token_has_the_resources_audience_and_no_scope(world):
    claims = world.claims(world.mint(id_token=True, lifetime_seconds=60))
    assert claims["aud"] == world.apps["mcp-server"]["client_id"]
    assert not {"scp", "azp", "idtyp"} & claims.keys()


def test_an_expired_token_was_once_valid(world):
    claims = world.claims(world.mint(lifetime_seconds=-30))
    assert claims["iat"] < claims["exp"]
    assert claims["nbf"] < claims["exp"]


def test_new_people_have_consented_and_are_told_apart(own_world):
    order = {"count": 25, "resource": "mcp-server", "scopes": ["mcp.access"]}
    order |= {"client": "connection", "lifetime_seconds": 3600}
    batches = [own_world.switch("POST", "/people", order)["access_tokens"] for _ in range(2)]
    tokens = [token for batch in batches for token in batch]
    assert len({own_world.claims(token)["oid"] for token in tokens}) == 50
    body = own_world.obo(tokens[-1]).json()
    claims = own_world.claims(body["access_token"])
    assert claims["oid"] == own_world.claims(tokens[-1])["oid"]


# --- faults --------------------------------------------------------------------------------------


def test_a_fault_strikes_as_often_as_ordered(own_world):
    fault = {"where": "token", "status": 429, "headers": {"Retry-After": "30"}, "count": 2}
    own_world.switch("PUT", "/faults", fault)
    answers = [own_world.obo() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["30", "30", None]
    body = answers[0].json()
    assert (body["error"], body["error_codes"]) == ("temporarily_unavailable", [90055])


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "invalid_grant"), (401, "invalid_client"), (503, "temporarily_unavailable")],
)
def test_a_fault_without_a_body_speaks_as_entra_would(own_world, check_refused, status, error):
    own_world.switch("PUT", "/faults", {"where": "token", "status": status})
    answer = own_world.obo()
    check_refused(answer, answer.json()["error_codes"][0], error, status)


def test_a_fault_with_a_body_of_its_own_says_just_that(own_world):
    fault = {"where": "token", "status": 200, "body": {"token_type": "Bearer"}}
    own_world.switch("PUT", "/faults", fault)
    assert own_world.obo().json() == {"token_type": "Bearer"}


def test_a_fault_for_one_person_leaves_the_others_alone(own_world):
    own_world.switch("PUT", "/faults", {"where": "token", "person": "megan", "status": 503})
    assert own_world.obo().status_code == 200
    assert own_world.obo(own_world.mint(person="megan")).status_code == 503


def test_a_fault_can_be_taken_back(own_world):
    own_world.switch("PUT", "/faults", {"where": "token", "status": 500, "count": 100})
    own_world.switch("DELETE", "/faults")
    assert own_world.obo().status_code == 200


def test_a_fault_can_add_headers_to_a_good_answer(own_world):
    fault = {"where": "token", "status": 200, "headers": {"Retry-After": "30"}}
    own_world.switch("PUT", "/faults", fault)
    answer = own_world.obo()
    assert (answer.status_code, answer.headers["retry-after"]) == (200, "30")
    assert answer.json()["access_token"]


def test_a_fault_can_only_delay(own_world):
    own_world.switch("PUT", "/faults", {"where": "token", "delay_seconds": 0.2})
    answer = own_world.obo()
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_a_fault_can_demand_interaction_with_claims(own_world):
    wanted = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    body = {"error": "interaction_required", "error_codes": [50076], "claims": wanted}
    fault = {"where": "token", "status": 400, "body": body | {"suberror": "basic_action"}}
    own_world.switch("PUT", "/faults", fault)
    result = own_world.msal_confidential().acquire_token_on_behalf_of(own_world.mint(), [DEFAULT])
    assert (result["error"], result["suberror"]) == ("interaction_required", "basic_action")
    assert result["claims"] == wanted
    assert result["error_description"].startswith("AADSTS50076: ")


def test_keys_can_be_made_unavailable(own_world):
    path = f"/{own_world.tenant_id}/discovery/v2.0/keys"
    own_world.switch("PUT", "/faults", {"where": "keys", "status": 503})
    assert [own_world.http.get(path).status_code for _ in range(2)] == [503, 200]
    own_world.switch("PUT", "/faults", {"where": "keys", "status": 200, "body": {"keys": []}})
    assert own_world.http.get(path).json() == {"keys": []}


async def test_graph_asks_for_its_faults_by_person(own_world):
    fault = {"where": "graph", "person": "megan", "status": 429, "headers": {"Retry-After": "3"}}
    own_world.switch("PUT", "/faults", fault)
    graph_fault = own_world.local.tenant.graph_fault
    assert (await graph_fault(own_world.people["adele"]["oid"])).response is None
    response = (await graph_fault(own_world.people["megan"]["oid"])).response
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert json.loads(response.body)["error"]["code"] == "TooManyRequests"
    assert (await graph_fault(own_world.people["megan"]["oid"])).response is None


# --- the log -------------------------------------------------------------------------------------


def test_the_log_tells_who_asked_for_what_and_holds_no_token(own_world, check_landed):
    world, sent = own_world, "3d2a1b00-1111-4222-8333-444455556666"
    assertion = world.mint()
    body = world.post_token(
        headers={"client-request-id": sent},
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        requested_token_use="on_behalf_of",
        scope=f"{DEFAULT} offline_access",
        assertion=assertion,
    ).json()
    browser = world.browser()
    code = check_landed(browser.sign_in(browser.authorize()))["code"]
    world.post_token("user-app", grant_type="authorization_code", code=code)
    entry = next(entry for entry in world.log() if entry["where"] == "token")
    assert entry["person"] == "adele"
    assert (entry["grant"], entry["client_name"]) == ("on_behalf_of", "mcp-server")
    assert (entry["audience"], entry["actor"]) == ("https://graph.microsoft.com", "connection")
    assert entry["client_request_id"] == entry["correlation_id"] == sent
    assert (entry["status"], entry["lifetime_seconds"]) == (200, body["expires_in"])
    text = json.dumps(world.log())
    secrets = [assertion, body["access_token"], body["refresh_token"], code]
    secrets += [app.get("client_secret", "?") for app in world.apps.values()]
    assert not [secret for secret in secrets if secret in text]


def test_the_log_says_why_a_request_was_refused(own_world):
    own_world.obo(own_world.mint(person="diego"))
    own_world.browser().authorize(redirect_uri="https://evil.example")
    errors = {entry["where"]: entry["error"] for entry in own_world.log()}
    assert errors["token"] == "invalid_grant AADSTS65001"
    assert errors["authorize"] == "invalid_request AADSTS50011"


def test_the_log_goes_on_where_the_reader_stopped(own_world):
    own_world.obo()
    first = own_world.switch("GET", "/log")
    own_world.obo("nonsense")
    second = own_world.switch("GET", f"/log?since={first['next']}")
    assert [entry["n"] for entry in second["entries"]] == [first["next"]]
    own_world.switch("DELETE", "/log")
    empty = own_world.switch("GET", "/log")
    assert (empty["entries"], empty["next"]) == ([], second["next"])


def test_an_unknown_field_of_a_log_entry_is_a_mistake(world):
    with pytest.raises(TypeError):
        world.local.tenant.record(where="graph", token="x")


def test_the_connections_server_can_be_named(own_world):
    own_world.switch("PUT", "/connection", {"server_url": "http://127.0.0.1:1234/mcp"})


class Lines(logging.Handler):
    """Collects lines, and says when there are enough: they are written after the answer is sent.

    So may be the line of an earlier request, to the switches.
    """

    def __init__(self, enough):
        super().__init__()
        self.lines = []
        self.enough = enough
        self.there = threading.Event()

    def emit(self, record):
        if "/_tenant/" not in record.getMessage():
            self.lines.append(record.getMessage())
        if len(self.lines) >= self.enough:
            self.there.set()


def test_the_access_log_has_one_short_line_per_request(own_world, caplog):
    caplog.set_level("INFO", logger="obo_tenant.access")
    collected = Lines(2)
    logging.getLogger("obo_tenant.access").addHandler(collected)
    own_world.browser().authorize(state="very-private", login_hint="someone@contoso.example")
    with httpx.Client(verify=own_world.trust, trust_env=False) as client:
        client.get(f"{own_world.url}/x%0Ay?code=very-private")
    assert collected.there.wait(10)
    logging.getLogger("obo_tenant.access").removeHandler(collected)
    lines = collected.lines
    assert len(lines) == 2
    assert lines[0].startswith(f"GET /{own_world.tenant_id}/oauth2/v2.0/authorize 200 ")
    assert lines[0].endswith(" ms")
    assert "very-private" not in "".join(lines)
    assert "\n" not in lines[1]
