"""Input that nobody should send: each has an answer in words, and none ends in a defect."""

import base64
import json
import logging

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.testclient import TestClient

from obo_tenant.app import create_app
from obo_tenant.serve import LocalTenant

DEEP = "[" * 100_000


def segment(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


# --- who speaks ----------------------------------------------------------------------------------


def test_a_forwarded_address_is_not_believed(world):
    answer = world.http.get("/_tenant/", headers={"x-forwarded-for": "203.0.113.9"})
    assert answer.status_code == 200  # the peer is still the one that connected


# --- what was sent -------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://[x", "//[", "https://elsewhere.example/"])
def test_an_authority_that_is_no_url_is_not_ours(world, url):
    query = {"authorization_endpoint": url}
    answer = world.http.get("/common/discovery/instance", params=query)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_instance")


@pytest.mark.parametrize("pair", [b"Basic \xe4", b"Basic ====", b"Basic /w=="])
def test_basic_credentials_that_cannot_be_read_are_refused(world, check_refused, pair):
    form = {"grant_type": "client_credentials", "scope": "api://expenses/.default"}
    path = f"/{world.tenant_id}/oauth2/v2.0/token"
    answer = world.http.post(path, data=form, headers={b"authorization": pair})
    check_refused(answer, 9002313, "invalid_request")


@pytest.mark.parametrize("audience", [["a"], {"a": 1}, 7, True], ids=str)
def test_an_audience_that_is_no_text_is_refused_everywhere(world, check_refused, audience):
    check_refused(world.obo(world.mint(claims={"aud": audience})), 500131, "invalid_grant")
    bearer = {"authorization": f"Bearer {world.mint(claims={'aud': audience})}"}
    for method, path in (("GET", "/v1.0/me"), ("POST", "/agent/responses")):
        assert world.http.request(method, path, headers=bearer).status_code == 401


def test_a_token_with_a_bottomless_header_is_refused(world, check_refused):
    token = f"{segment(DEEP)}.e30.e30"
    check_refused(world.obo(token), 50027, "invalid_grant")
    with pytest.raises(PermissionError, match="parsing"):
        world.local.tenant.check_graph_token(token)


@pytest.mark.parametrize(
    ("method", "path", "content", "word"),
    [
        ("PUT", "/connection", '{"server_url": "http://["}', "server_url"),
        ("PUT", "/connection", '{"server_url": "http://x:99999"}', "server_url"),
        ("POST", "/tokens", '{"a":' * 40_000, "JSON"),
        ("POST", "/tokens", '{"resource": "mcp-server", "\\ud800": 1}', "JSON"),
        ("POST", "/tokens", '{"resource": "mcp-server", "claims": {"exp": Infinity}}', "JSON"),
        ("POST", "/tokens", '{"resource": "mcp-server", "claims": {"iss": [1]}}', "claims"),
        ("POST", "/tokens", json.dumps({"resource": "x" * 300_000}), "256 kB"),
    ],
    ids=[
        "no URL",
        "no port",
        "bottomless",
        "half a surrogate",
        "infinite",
        "no issuer",
        "too large",
    ],
)
def test_an_order_that_cannot_be_read_is_refused(world, method, path, content, word):
    answer = world.http.request(method, f"/_tenant{path}", content=content)
    assert answer.status_code == 400
    assert word in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A\r\nSet-Cookie": "a=1"},
        {"X-A": "1\r\nSet-Cookie: a=1"},
        {"X-A": "\x00"},
        {"X-A": "\u20ac"},
        {"": "x"},
        {"X A": "1"},
        {"Content-Length": "5"},
    ],
    ids=str,
)
def test_a_fault_takes_no_header_that_cannot_be_sent(world, headers):
    answer = world.http.put("/_tenant/faults", json={"where": "keys", "headers": headers})
    assert (answer.status_code, "headers" in answer.text) == (400, True)


# --- where nobody answers ------------------------------------------------------------------------


def test_reading_the_token_endpoint_is_refused_in_entras_words(world, check_refused):
    answer = world.http.get(f"/{world.tenant_id}/oauth2/v2.0/token")
    check_refused(answer, 900561, "invalid_request", 405)
    assert answer.headers["allow"] == "POST"


def test_an_unknown_address_is_answered_in_the_words_of_whoever_was_meant(world, check_refused):
    check_refused(world.http.get("/nowhere"), 90013, "invalid_request", 404)
    assert world.http.put("/v1.0/x", headers={"x": "y"}).json()["error"]["code"]
    assert world.http.get("/_download/").json()["error"]["code"] == "BadRequest"
    assert world.http.get("/_tenant/nothing").json() == {"error": "Not Found"}
    assert world.http.get("/agent/responses").json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("path", "code"), [("/v1.0x", "InternalServerError"), ("/x", "server_error")]
)
def test_a_defect_of_ours_is_answered_in_json(world, path, code):
    def defect(_request):
        raise RuntimeError("very-private")

    app = create_app(world.local.tenant)
    app.router.routes.insert(0, Route(path, defect))
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get(path)
    error = answer.json()["error"]
    assert (answer.status_code, error if isinstance(error, str) else error["code"]) == (500, code)
    assert "very-private" not in answer.text


@pytest.mark.parametrize("path", ["token", "graph", "switch"])
async def test_a_client_that_hangs_up_is_one_line_in_the_log(world, caplog, path):
    bearer = f"Bearer {world.mint('graph', scopes=['User.Read'])}".encode()
    method, where, headers = {
        "token": ("POST", f"/{world.tenant_id}/oauth2/v2.0/token", []),
        "graph": ("GET", "/v1.0/me", [(b"authorization", bearer)]),
        "switch": ("POST", "/_tenant/tokens", [(b"host", b"localhost")]),
    }[path]
    headers.append((b"content-type", b"application/x-www-form-urlencoded"))
    scope = {"type": "http", "method": method, "path": where, "raw_path": where.encode()}
    scope |= {"headers": headers, "query_string": b"", "scheme": "https"}
    scope |= {"client": ("127.0.0.1", 5000), "server": ("localhost", 443)}
    sent = []
    caplog.set_level("INFO", logger="obo_tenant.access")

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    try:
        await create_app(world.local.tenant)(scope, receive, send)
    except ClientDisconnect:
        pytest.fail("the program would print a traceback")
    lines = [record.getMessage() for record in caplog.records]
    assert (sum(" 499 " in line for line in lines), sent) == (1, [])


# --- starting and stopping -----------------------------------------------------------------------


@pytest.mark.parametrize("port", [70000, -1, 65536])
def test_a_port_that_is_none_is_said_so(port):
    with pytest.raises(ValueError, match="port must be between"), LocalTenant(port):
        pass


@pytest.mark.parametrize("name", ["a_b/c", "", "a b", "a..b", "[::1]", "x:1", "\xe4.example"])
def test_a_name_that_is_none_is_said_so(name):
    with pytest.raises(ValueError, match="name must be"), LocalTenant(name=name):
        pass


def test_a_v6_address_can_be_the_name(world):
    with LocalTenant(name="::1") as local:
        assert local.url.startswith("https://[::1]:")
        port = local.url.rpartition(":")[2]
        with TestClient(create_app(local.tenant), base_url=local.url, client=("::1", 1)) as client:
            assert client.get("/_tenant/").json()["graph_url"] == f"https://[::1]:{port}"


def test_uvicorn_may_speak_again_when_the_tenant_is_gone():
    logger = logging.getLogger("uvicorn")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with LocalTenant() as local, httpx.Client(verify=False, trust_env=False) as client:
            assert client.get(f"{local.url}/_tenant/").status_code == 200
            assert logger.level == logging.WARNING
        assert logger.level == logging.ERROR
    finally:
        logger.setLevel(before)
