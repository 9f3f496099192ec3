"""Every way of mounting the door x every kind of application behind it x every failure.

What an outer application must forward to a protected one:

- the paths of the resource metadata, `/.well-known/oauth-protected-resource` alone and with the
  path of the resource URL behind it, as they are (RFC 9728 section 3.1 puts them at the origin);
- the path of the resource URL, in `scope["path"]` whole: Starlette's `Mount` leaves it whole and
  says in `root_path` which part of it is its own;
- the lifespan, or `async with obo.running():` in its own;
- `/livez` and `/readyz`, if somebody asks for them.
"""

import base64
import json
import logging
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from obo_mcp import OnBehalfOf
from obo_mcp.clock import SystemClock
from obo_mcp.errors import (
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    TokenEndpointThrottled,
)
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.clock import ManualClock
from support.serving import Serving
from support.tokens import claims_v2, sign

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MAX_BODY_BYTES = 2048
COOLDOWN_IS_OVER = 301
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"accept": "application/json, text/event-stream"}

NOT_QUOTABLE = re.compile(r"[^ !#-\[\]-~]")
"""What RFC 6750 section 3 keeps out of an `error_description`."""

INSIDE = {
    "consent": ConsentRequired(),
    "words": ConsentRequired('Ask "Adéle" or\\and somebody else.'),
    "step-up": InteractionRequired(claims=CLAIMS),
    "throttled": TokenEndpointThrottled(retry_after_seconds=7),
    "misconfigured": ClientMisconfigured(),
    "crash": RuntimeError("private words"),
}
"""What the application raises at `/inside/<name>`."""


# What is behind the door: an ASGI application for one OnBehalfOf.


def a_function(obo):
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        more = True
        while more:
            message = await receive()
            more = message["type"] == "http.request" and message["more_body"]
        if failure := INSIDE.get(scope["path"].rpartition("/")[2]):
            raise failure
        await JSONResponse({"oid": obo.current_principal().oid})(scope, receive, send)

    return app


async def fail(request):
    raise INSIDE[request.path_params["what"]]


def a_starlette_app(obo):
    async def serve(request):
        await request.body()
        return JSONResponse({"oid": obo.current_principal().oid})

    inside = Route("/inside/{what}", fail, methods=["POST"])
    return Starlette(routes=[inside, Route("/mcp", serve, methods=["POST"])])


def a_fastapi_app(obo):
    from fastapi import FastAPI, Request  # noqa: PLC0415 - no dependency of ours

    app = FastAPI()

    async def serve(request: Request) -> dict[str, str]:
        await request.body()
        return {"oid": obo.current_principal().oid}

    async def inside(request: Request) -> None:
        await fail(request)

    app.post("/mcp")(serve)
    app.post("/inside/{what}")(inside)
    return app


def an_mcp_app(obo, *, stateless):
    mcp = MCPServer("under test")
    mcp.custom_route("/inside/{what}", methods=["POST"])(fail)
    security = obo.transport_security()
    return mcp.streamable_http_app(stateless_http=stateless, transport_security=security)


HOSTS = {
    "function": a_function,
    "starlette": a_starlette_app,
    "sdk-stateless": lambda obo: an_mcp_app(obo, stateless=True),
    "sdk-stateful": lambda obo: an_mcp_app(obo, stateless=False),
}
if find_spec("fastapi"):
    HOSTS["fastapi"] = a_fastapi_app


# How it is mounted.


def living(app):
    """A lifespan for an outer Starlette: it does not run those of what is mounted in it."""

    @asynccontextmanager
    async def lifespan(_, *also):
        async with AsyncExitStack() as stack:
            for each in also:
                await stack.enter_async_context(each)
            if isinstance(app, Starlette):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    return lifespan


def bare(obo, app, *, stateful):
    return obo.protect(app, stateful=stateful)


def under_a_path(obo, app, *, stateful):
    """Mounted in an application that is protected as a whole."""
    whole = Starlette(routes=[Mount("/team", app)], lifespan=living(app))
    return obo.protect(whole, stateful=stateful)


def wrapped(obo, app, *, stateful):
    """Inside another pure ASGI middleware, which forwards everything."""
    protected = obo.protect(app, stateful=stateful)

    async def outer(scope, receive, send):
        async def marking(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-outer", b"seen")]
            await send(message)

        await protected(scope, receive, marking)

    return outer


def at_the_root_of_another(obo, app, *, stateful):
    """Mounted at `/` of an outer Starlette application, whose lifespan runs ours."""
    outer = [Mount("/", obo.protect(app, stateful=stateful))]
    return Starlette(routes=outer, lifespan=lambda _: living(app)(_, obo.running()))


def beside_others(obo, app, *, stateful):
    """One of several applications of an outer one, which forwards the metadata's paths too."""
    protected = obo.protect(app, stateful=stateful)
    routes = [
        Route("/open", lambda _: JSONResponse({"open": True})),
        Route(WELL_KNOWN, protected),
        Route(WELL_KNOWN + "/{rest:path}", protected),
        Mount("/team", protected),
    ]
    return Starlette(routes=routes, lifespan=lambda _: living(app)(_, obo.running()))


STYLES = {
    "bare": (bare, ""),
    "under a path": (under_a_path, "/team"),
    "wrapped": (wrapped, ""),
    "at the root of another": (at_the_root_of_another, ""),
    "beside others": (beside_others, "/team"),
}


class Served(NamedTuple):
    style: str
    host: str
    origin: str
    prefix: str
    clock: ManualClock

    @property
    def resource_url(self):
        return f"{self.origin}{self.prefix}/mcp"

    @property
    def metadata_url(self):
        return f"{self.origin}{WELL_KNOWN}{self.prefix}/mcp"


PLACES = [(style, host) for style in STYLES for host in HOSTS]


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def served(request, tenant_world):
    style, host = request.param
    mount, prefix = STYLES[style]
    clock = ManualClock(SystemClock().now())

    def build(url):
        settings = tenant_world.settings(
            f"{url}{prefix}/mcp",
            max_body_bytes=MAX_BODY_BYTES,
            allowed_clients=(tenant_world.about["apps"]["connection"]["client_id"],),
        )
        obo = OnBehalfOf(settings, clock=clock)
        return mount(obo, HOSTS[host](obo), stateful=host == "sdk-stateful")

    with Serving(build) as serving:
        yield Served(style, host, serving.url, prefix, clock)


@pytest.fixture(scope="module")
def http():
    with httpx.Client(trust_env=False, headers=ACCEPT, timeout=30) as client:
        yield client


@pytest.fixture
def own_scope(world):
    return f"api://{world.about['apps']['mcp-server']['client_id']}/mcp.access"


# The failures: what is sent, and what comes of it.


class Failure(NamedTuple):
    """`token` orders a token of the tenant; `sent` makes the rest of the request of it."""

    status: int
    error: str
    reason: str
    token: Mapping[str, Any] = MappingProxyType({})
    sent: Any = lambda token: {"headers": bearer(token)}
    path: str = "/mcp"
    keys_down: bool = False
    claims: str = ""


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def with_headers(*headers):
    return lambda token: {"headers": [*bearer(token), *headers]}


def with_body(body):
    return lambda token: {"headers": bearer(token), "content": body}


def in_chunks(*parts):
    return lambda token: {"headers": bearer(token), "content": iter(parts)}


UNKNOWN_KEY = {"kid": "nobody-knows"}
GRAPH = {"resource": "graph", "scopes": ["User.Read"]}
APP_ONLY = {"person": None, "client": "agent-identity", "app_only": True}
NO_TOKEN = (401, "unauthorized", "CredentialsMissing")
ODD_TOKEN = (400, "invalid_request", "CredentialsInvalid")
TOO_LARGE = (413, "invalid_request", "BodyTooLarge")

FAILURES = {
    "no token": Failure(*NO_TOKEN, sent=lambda _: {}),
    "a token in the query": Failure(
        *NO_TOKEN, sent=lambda token: {"params": {"access_token": token}}
    ),
    "a token in a form": Failure(*NO_TOKEN, sent=lambda token: {"data": {"access_token": token}}),
    "a password": Failure(*NO_TOKEN, sent=lambda _: {"auth": ("somebody", "something")}),
    "garbage": Failure(401, "invalid_token", "TokenMalformed", sent=lambda _: {
        "headers": bearer("garbage")}),
    "no characters of a token": Failure(*ODD_TOKEN, sent=lambda _: {"headers": bearer("{}")}),
    "two headers": Failure(*ODD_TOKEN, sent=lambda token: {"headers": bearer(token) * 2}),
    "two tokens in one header": Failure(*ODD_TOKEN, sent=lambda token: {
        "headers": bearer(f"{token}, Bearer {token}")}),
    "two tokens while the keys are down": Failure(
        *ODD_TOKEN, token=UNKNOWN_KEY, keys_down=True,
        sent=lambda token: {"headers": bearer(token) * 2}),
    "an expired token": Failure(
        401, "invalid_token", "TokenExpired", {"lifetime_seconds": -120}),
    "a token for another application": Failure(
        401, "invalid_token", "WrongAudience",
        {"resource": "expenses-api", "scopes": ["Expenses.Read"]}),
    "a token for Graph": Failure(401, "invalid_token", "WrongAudience", GRAPH),
    "an application's token": Failure(401, "invalid_token", "NotDelegated", APP_ONLY),
    "an id token": Failure(401, "invalid_token", "IdTokenPresented", {"id_token": True}),
    "a forged token": Failure(401, "invalid_token", "SignatureInvalid", {"foreign_key": True}),
    "a token of another tenant": Failure(
        401, "invalid_token", "WrongTenant", {"person": "nora"}),
    "a token without our scope": Failure(
        403, "insufficient_scope", "InsufficientScope", {"scopes": ["mcp.admin"]}),
    "a client that is not on the list": Failure(
        403, "unauthorized_client", "ClientNotAllowed", {"client": "user-app"}),
    "an unknown key": Failure(401, "invalid_token", "SigningKeyUnknown", UNKNOWN_KEY),
    "an unknown key while the keys are down": Failure(
        503, "temporarily_unavailable", "KeysUnavailable", UNKNOWN_KEY, keys_down=True),
    "a hostile host": Failure(
        421, "invalid_request", "HostNotAllowed", sent=with_headers(("host", "evil.example"))),
    "a hostile origin": Failure(
        403, "invalid_request", "OriginNotAllowed",
        sent=with_headers(("origin", "https://evil.example"))),
    "a long header": Failure(
        431, "invalid_request", "HeadersTooLarge", sent=with_headers(("x-long", "y" * 50_000))),
    "many headers": Failure(
        431, "invalid_request", "HeadersTooLarge",
        sent=with_headers(*[("x-many", "y")] * 130)),
    "a long body": Failure(*TOO_LARGE, sent=with_body(b"x" * (MAX_BODY_BYTES + 1))),
    "a long body in chunks": Failure(*TOO_LARGE, sent=in_chunks(b"x" * MAX_BODY_BYTES, b"x")),
    "no consent": Failure(
        403, "consent_required", "ConsentRequired", path="/inside/consent"),
    "words that a header cannot hold": Failure(
        403, "consent_required", "ConsentRequired", path="/inside/words"),
    "a step-up": Failure(
        401, "insufficient_claims", "InteractionRequired", path="/inside/step-up", claims=CLAIMS),
    "throttling": Failure(
        503, "temporarily_unavailable", "TokenEndpointThrottled", path="/inside/throttled"),
    "a wrong registration": Failure(
        500, "server_error", "ClientMisconfigured", path="/inside/misconfigured"),
    "a crash": Failure(500, "server_error", "OboError", path="/inside/crash"),
}  # fmt: skip


def token_for(failure, world, clock):
    """As text. A token under a key that nobody publishes is signed here."""
    if failure.token is not UNKNOWN_KEY:
        return world.token(**failure.token).reveal()
    now = int(clock.now())
    claims = claims_v2(
        aud=world.about["apps"]["mcp-server"]["client_id"],
        tid=world.about["tenant_id"],
        iss=world.about["issuer"],
        iat=now, nbf=now, exp=now + 600,
    )  # fmt: skip
    return sign(claims, **UNKNOWN_KEY, with_key="foreign").reveal()


def refused_events(caplog):
    events = [fields_of(line) or {} for line in caplog.records if line.name == AUDIT_LOGGER]
    return [event for event in events if event["event"] == "refused"]


def said(failures):
    """Our own HTTP client logs the address, and one failure is a token in it."""
    in_the_address = pytest.mark.speaks("signed token", "httpx logs the address that a test wrote")
    for name, failure in failures.items():
        marks = in_the_address if name == "a token in the query" else ()
        yield pytest.param(failure, id=name, marks=marks)


def parameters(challenge):
    """The parameters of one Bearer challenge (RFC 9110 section 11.6.1), each at most once."""
    scheme, _, rest = challenge.partition(" ")
    assert scheme == "Bearer"
    found = re.findall(r'([a-z_]+)="([^"\\]*)"(?:, |$)', rest)
    assert ", ".join(f'{name}="{value}"' for name, value in found) == rest
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.mark.promise("P-07")
@pytest.mark.parametrize("failure", list(said(FAILURES)))
def test_every_refusal_tells_the_client_what_to_do_next(
    *, world, own_scope, served, http, caplog, failure
):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    token = token_for(failure, world, served.clock)
    if failure.keys_down:
        world.fault("keys", status=503, count=100)
    if failure.token is UNKNOWN_KEY:
        served.clock.advance(COOLDOWN_IS_OVER)
    sent = failure.sent(token)
    if sent.keys().isdisjoint({"data", "content"}):
        sent["json"] = LIST_TOOLS
    url = f"{served.origin}{served.prefix}{failure.path}"
    answer = http.post(url, **sent)
    # A second answer also means that the server is done with the first request, its log included.
    document = http.get(served.metadata_url)

    assert answer.status_code == failure.status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"error", "error_description", "correlation_id"}
    assert answer.json()["error"] == failure.error
    assert answer.headers.get("retry-after", "none").isdigit() == (failure.status == 503)
    (event,) = refused_events(caplog)
    assert event["correlation_id"] == answer.json()["correlation_id"]
    assert (event["reason"], event["status"]) == (failure.reason, failure.status)
    assert (document.status_code, document.json()["resource"]) == (200, served.resource_url)
    assert document.json()["scopes_supported"] == [own_scope]
    assert "graph.microsoft.com" not in document.text
    challenged(failure, answer, served, own_scope)
    shows_nothing(answer, token, world)


def challenged(failure, answer, served, own_scope):
    expected = failure.status in {401, 403} or failure.reason == "CredentialsInvalid"
    assert ("www-authenticate" in answer.headers) == expected
    if "www-authenticate" not in answer.headers:
        return
    told = parameters(answer.headers["www-authenticate"])
    assert told.pop("resource_metadata") == served.metadata_url
    assert told.pop("scope") == own_scope
    assert base64.b64decode(told.pop("claims", "")).decode() == failure.claims
    if failure.reason == "CredentialsMissing":
        assert told == {}
    else:
        description = NOT_QUOTABLE.sub("'", answer.json()["error_description"])
        assert told == {"error": failure.error, "error_description": description}


def shows_nothing(answer, token, world):
    told = answer.text + json.dumps(dict(answer.headers))
    parts = [part for part in token.split(".") if part]
    people = [person["user_principal_name"] for person in world.about["people"].values()]
    hidden = [*parts, *people, world.about["domain"], urlsplit(world.url).hostname, "AADSTS"]
    assert [text for text in [*hidden, "private words", "Traceback"] if text in told] == []


def test_a_person_is_served_in_every_place(world, served, http):
    """Without this, a matrix of refusals would prove little."""
    sent = {"headers": bearer(world.token().reveal()), "json": LIST_TOOLS}
    if served.host == "sdk-stateful":
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}}
        hello |= {"clientInfo": {"name": "raw", "version": "0"}}
        sent["json"] = LIST_TOOLS | {"method": "initialize", "params": hello}
    answer = http.post(served.resource_url, **sent)
    assert answer.status_code == 200
    assert ("mcp-session-id" in answer.headers) == (served.host == "sdk-stateful")
    assert answer.headers.get("x-outer") == ("seen" if served.style == "wrapped" else None)


def test_the_metadata_is_at_both_places_of_the_origin(world, own_scope, served, http):
    document = {
        "resource": served.resource_url,
        "authorization_servers": [world.about["issuer"]],
        "scopes_supported": [own_scope],
        "bearer_methods_supported": ["header"],
    }
    for place in (served.metadata_url, f"{served.origin}{WELL_KNOWN}"):
        answer = http.get(place)
        assert (answer.status_code, answer.json()) == (200, document)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_stateless_endpoint_takes_post_only_in_every_place(world, served, http, method):
    headers = bearer(world.token().reveal())
    answer = http.request(method, served.resource_url, headers=headers)
    if served.host == "sdk-stateful":
        assert answer.status_code == 400  # the SDK's own word: no session was named
    else:
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_first_thing_that_is_wrong_is_what_the_client_is_told(world, served, http):
    """Everything is wrong at first; one thing after the other is mended."""
    good = bearer(world.token().reveal())
    wrong = [
        ("x-long", "y" * 50_000),
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
        ("authorization", "Bearer another"),
    ]
    long = b"x" * (MAX_BODY_BYTES + 1)
    told = []

    def tell(headers, body):
        answer = http.request("PUT", served.resource_url, headers=headers, content=body)
        told.append(answer.status_code)
        assert http.get(served.metadata_url, headers=headers).status_code == 200

    while wrong:
        tell([*bearer("garbage"), *wrong], long)
        wrong.pop(0)
    tell(bearer("garbage"), long)
    tell(good, long)
    tell(good, b"short")
    assert told == [431, 421, 403, 400, 401, 413, 405]


def test_an_application_that_answers_nothing_is_a_500_that_says_so(world, http):
    def build(url):
        obo = OnBehalfOf(world.settings(f"{url}/mcp"))

        async def app(scope, receive, send):
            assert scope["type"] == "http"

        return obo.protect(app)

    with Serving(build) as serving:
        headers = bearer(world.token().reveal())
        answer = http.post(f"{serving.url}/mcp", headers=headers, json=LIST_TOOLS)
    assert answer.status_code == 500
    assert answer.json()["error"] == "server_error"


def test_an_outer_application_that_keeps_the_metadata_to_itself_breaks_discovery(world, http):
    """Why the doc string above asks for it: RFC 9728 clients find nothing at the origin."""

    def build(url):
        obo = OnBehalfOf(world.settings(f"{url}/team/mcp"))
        inner = Mount("/team", obo.protect(a_function(obo)))
        return Starlette(routes=[inner], lifespan=lambda _: obo.running())

    with Serving(build) as serving:
        answer = http.post(f"{serving.url}/team/mcp", json=LIST_TOOLS)
        metadata = parameters(answer.headers["www-authenticate"])["resource_metadata"]
        assert http.get(metadata).status_code == 404
