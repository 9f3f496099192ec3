"""Whatever goes wrong, nothing secret is in the exception, its locals, a repr, a log or an answer.

Each path below is driven with secrets of its own and must fail. What it raises is then printed as
the most talkative tool would print it: with causes, contexts and the locals of every frame that is
not a test's. What is logged meanwhile, `support.canary` hears.
"""

import base64
import copy
import dataclasses
import inspect
import json
import logging
import os
import pickle
import socket
import traceback
from pathlib import Path

import httpx
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

import obo_mcp
from obo_mcp import OnBehalfOf, errors
from obo_mcp.adapters.httpx import OnBehalfOfAuth
from obo_mcp.adapters.mcp_sdk import tool_error
from obo_mcp.asgi.challenge import challenge
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.envelope import Envelope
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.redis import RedisTokenCache
from obo_mcp.cache.redis_client import connect
from obo_mcp.cache.tiered import TieredTokenCache
from obo_mcp.errors import ConfigurationError, OboError
from obo_mcp.exchange.aadsts import MEANINGS
from obo_mcp.exchange.certificate import Certificate, CertificateFile
from obo_mcp.exchange.credential import ClientSecret, credential_of
from obo_mcp.exchange.federated import FederatedTokenFile, given
from obo_mcp.exchange.key_vault import Item, KeyVaultItem
from obo_mcp.exchange.managed_identity import ManagedIdentity, PlatformTransport
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.observe import JsonLines
from obo_mcp.secret import ClearToken, Secret
from obo_mcp.settings import Settings
from support.asgi import bearer, call
from support.canary import canaries, masked, watch
from support.clock import ManualClock
from support.key_pairs import key_pair
from support.linked import linked
from support.tokens import CLIENT, KID, NOW, POLICY, TENANT, claims_v1, claims_v2, sign, verifier
from support.wire import AUTHORITY, Wire

UPN = "adele.vance@contoso.example"
PERSON = {"preferred_username": UPN, "upn": UPN}
ASSERTION = sign(claims_v2(**PERSON))
DOWNSTREAM = sign(claims_v2(aud="https://graph.microsoft.com"))
CLIENT_SECRET = "Qx7~canary-of-the-client-secret"
REDIS_PASSWORD = "canary-of-redis-8c1f"
PFX_PASSWORD = "canary-of-the-pfx-77aa"
HEADER_OF_APP_SERVICE = "canary-of-the-identity-header"
RING_KEY = base64.b64encode(b"canary of the ring" + os.urandom(14)).decode()
SHORT_KEY = base64.b64encode(b"canary of a short ring key").decode()
REDIS_URL = f"redis://canary-user:{REDIS_PASSWORD}@127.0.0.1:1"
MAIL = Scopes.parse("https://graph.microsoft.com/.default")
GUID = "12345678-1234-4234-8234-123456789abc"
HERE = str(Path(__file__).parents[1])
CHALLENGE = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7fX19"'
OURS = Principal(
    tid=TENANT, oid="oid", sub="sub", azp="azp", issuer="issuer",
    scopes=frozenset({"mcp.access"}), expires_at=NOW + 3600, token_digest=ASSERTION.digest(),
)  # fmt: skip
CALLER = Caller(OURS, ASSERTION, "11111111-0000-4000-8000-000000000000")

watch("client secret", CLIENT_SECRET)
watch("password", REDIS_PASSWORD, PFX_PASSWORD, HEADER_OF_APP_SERVICE)
watch("ring key", RING_KEY, SHORT_KEY, "canary of the ring", "canary of a short ring key")


# --- how an exception is looked at ---------------------------------------------------------------


def without_tests(trace):
    """The frames from the first on that is not a test's: tests hold their secrets in the clear."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(HERE):
        trace = trace.tb_next
    return trace


def printed(error):
    """All that a tool could print of an exception: groups, causes, contexts that nobody shows."""
    error.__traceback__ = without_tests(error.__traceback__)
    return "\n".join(map(printed_alone, linked(error)))


def printed_alone(error):
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    more = [repr(error), repr(error.args), repr(vars(error)), *map(str, error.args)]
    return "".join(told.format()) + "\n".join(more)


def silent(text):
    """Fail without showing what was found."""
    found = {kind for kind, _ in canaries(text)}
    assert not found, f"{sorted(found)}:\n" + "\n".join(
        line[:300] for line in masked(text).splitlines() if any(f"<{k}>" in line for k in found)
    )


async def failure(path, *arguments):
    try:
        outcome = path(*arguments)
        if inspect.isawaitable(outcome):
            await outcome
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    raise AssertionError("this path was meant to fail")


PATHS = {}
"""Everything that can go wrong, by name."""


def path(name, *arguments):
    def noted(function):
        assert name not in PATHS, name
        PATHS[name] = lambda tools: function(tools, *arguments)
        return function

    return noted


def paths(kind, table):
    """The same path for each entry of a table."""

    def noted(function):
        for name, entry in table.items():
            path(f"{kind}: {name}", entry)(function)
        return function

    return noted


class Tools:
    """What a path may use: a folder, the environment, and a server whose authority is a wire."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.environment = monkeypatch
        self.clock = ManualClock(NOW)
        self.wire = Wire()
        self.stop = []

    def settings(self, **options):
        known = {
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "resource_url": "https://mcp.example/mcp",
            "required_scope": "mcp.access",
            "authority_host": AUTHORITY,
        }
        return Settings(**(known | {"client_secret": CLIENT_SECRET} | options))

    def obo(self, credential=None, **options):
        obo = OnBehalfOf(self.settings(**options), clock=self.clock, credential=credential)
        self.wire.at(obo._grant._transport)
        self.stop.append(obo._grant.close)
        return obo

    def asked(self, obo=None):
        """The broker itself: what tools get of a failure is another exception, with less in it."""
        return (obo or self.obo())._broker.downstream_token(CALLER, MAIL)

    def file(self, octets, name="file"):
        found = self.folder / name
        found.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
        return found


@pytest.fixture
def tools(tmp_path, monkeypatch):
    tools = Tools(tmp_path, monkeypatch)
    yield tools
    for stop in tools.stop:
        stop()


# --- the access token ----------------------------------------------------------------------------


CLEAR = ASSERTION.reveal()
TOKENS = {
    "no token at all": Secret("canary"),
    "two parts": Secret(CLEAR.rpartition(".")[0]),
    "four parts": Secret(f"{CLEAR}.x"),
    "too long": Secret(CLEAR + "A" * 20_000),
    "padded": Secret(f"{CLEAR}=="),
    "with blanks": Secret(f" {CLEAR}"),
    "not UTF-8": Secret(CLEAR + "\ud800"),
    "payload no JSON": Secret(".".join([CLEAR.split(".")[0], "bm9uZQ", CLEAR.split(".")[2]])),
    "header with jku": sign(claims_v2(**PERSON), jku="https://evil.example"),
    "unknown key": sign(claims_v2(**PERSON), kid="another"),
    "another's key": sign(claims_v2(**PERSON), kid=KID, with_key="another"),
    "another issuer": sign(claims_v2(**PERSON, iss="https://evil.example/v2.0")),
    "another tenant": sign(claims_v2(**PERSON, tid=GUID)),
    "another audience": sign(claims_v2(**PERSON, aud=GUID)),
    "Graph's audience": sign(claims_v2(**PERSON, aud="https://graph.microsoft.com")),
    "expired": sign(claims_v2(**PERSON, exp=1)),
    "not yet valid": sign(claims_v2(**PERSON, nbf=NOW + 9999)),
    "without an end": sign(claims_v2(**PERSON, exp=None)),
    "without a person": sign(claims_v2(**PERSON, scp=None, idtyp="app")),
    "an id token": sign(claims_v2(**PERSON, scp=None, nonce="n")),
    "another scope": sign(claims_v2(**PERSON, scp="mail.read")),
    "odd claims": sign(claims_v2(**PERSON, oid=7)),
    "v1 of another issuer": sign(claims_v1(**PERSON, iss="https://evil.example/")),
}


@paths("access token", TOKENS)
def _(tools, token):
    return verifier(tools.clock).verify(token)


@path("access token: client not on the list")
def _(tools):
    listed = dataclasses.replace(POLICY, clients=frozenset({GUID}))
    return verifier(tools.clock, listed).verify(ASSERTION)


# --- the token endpoint --------------------------------------------------------------------------

ECHO = f"AADSTS: {UPN} sent {CLEAR} with {CLIENT_SECRET}"
"""An authority that repeats what it was sent; ours does not, others might."""
NONSENSE = {
    "no object": (200, [CLEAR]),
    "no token": (200, {"said": ECHO}),
    "a number as token": (200, {"access_token": 7, "refresh_token": CLEAR}),
    "no lifetime": (200, {"access_token": CLEAR}),
    "an odd lifetime": (200, {"access_token": CLEAR, "expires_in": CLEAR}),
    "an id token of nonsense": (
        200, {"access_token": CLEAR, "expires_in": 60, "id_token": f"a.{CLEAR}.c"}
    ),
    "another person's token": (
        200, {"access_token": sign(claims_v2(oid="other")).reveal(), "expires_in": 3600}
    ),
    "an error without a word": (400, {}),
    "an error that is a list": (400, {"error": [CLEAR], "error_description": ECHO}),
    "codes of nonsense": (400, {"error": CLEAR, "error_codes": [CLEAR], "suberror": CLEAR}),
    "a redirect": (302, {"to": ECHO}),
    "429": (429, {"error": "throttled", "error_description": ECHO}),
    "429 for the tenant": (429, {"error_codes": [90055], "error_description": ECHO}),
    "500": (500, {"error_description": ECHO}),
    "503": (503, {"error_description": ECHO}, {"Retry-After": "7"}),
}  # fmt: skip
WIRE_FAULTS = {
    kind.__name__: kind
    for kind in (
        requests.ConnectionError, requests.ConnectTimeout, requests.ReadTimeout, requests.Timeout,
        requests.exceptions.SSLError, requests.exceptions.ProxyError, requests.TooManyRedirects,
        requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError,
        requests.exceptions.InvalidHeader, requests.RequestException,
        OSError, ConnectionResetError, TimeoutError,
    )
}  # fmt: skip


@paths("token endpoint", NONSENSE)
def _(tools, answer):
    tools.wire.default = answer
    return tools.asked()


@paths("AADSTS", {str(code): code for code in MEANINGS})
def _(tools, code):
    body = {"error": "invalid_grant", "error_codes": [code], "error_description": ECHO}
    tools.wire.default = 400, body
    return tools.asked()


@paths("on the way", WIRE_FAULTS)
def _(tools, kind):
    tools.wire.answers = [kind(ECHO) for _ in range(4)]
    return tools.asked()


@path("discovery: no such tenant")
def _(tools):
    tools.wire.tenants_found = False
    return tools.asked()


@path("the second request is held back")
async def _(tools):
    tools.wire.default = 429, {"error_description": ECHO}
    obo = tools.obo()
    await failure(tools.asked, obo)
    await tools.asked(obo)


@path("a token source")
async def _(tools):
    tools.wire.default = 500, {"error_description": ECHO}
    await tools.obo()._source(CALLER, MAIL).token()


@path("a claims challenge is refused")
async def _(tools):
    source = tools.obo()._source(CALLER, MAIL)
    body = {"error": "interaction_required", "error_codes": [50076], "claims": "{}"}
    tools.wire.default = 400, body | {"error_description": ECHO}
    await source.renewed(ClearToken(CLEAR), CHALLENGE)


@path("a step-up over httpx")
async def _(tools):
    tools.wire.default = 200, {"access_token": DOWNSTREAM.reveal(), "expires_in": 3600}
    obo = tools.obo()
    auth = OnBehalfOfAuth(lambda: obo._source(CALLER, MAIL), "https://graph.microsoft.com")
    refusing = httpx.MockTransport(
        lambda _: httpx.Response(401, headers={"www-authenticate": CHALLENGE})
    )
    async with httpx.AsyncClient(auth=auth, transport=refusing) as http:
        await http.get("https://graph.microsoft.com/v1.0/me")


@path("nobody is signed in")
def _(tools):
    return tools.obo().downstream_token("https://graph.microsoft.com/.default")


SOLITARY = {
    "a refusal": (400, {"error": "invalid_grant", "error_codes": [50173], "said": ECHO}),
    "a refused credential": (401, {"error": "invalid_client", "error_codes": [7000215]}),
    "429": (429, {"error_description": ECHO}),
    "nonsense": (200, {"access_token": [CLEAR], "expires_in": ECHO}),
    "cut": requests.ConnectionError(ECHO),
    "a fault of ours": RuntimeError("a fault"),
}


@paths("grant alone", SOLITARY)
def _(tools, answer):
    tools.wire.answers = [answer] * 2
    return tools.obo()._grant.exchange(CALLER, MAIL, "")


@path("grant alone: no such tenant")
def _(tools):
    tools.wire.tenants_found = False
    return tools.obo()._grant.exchange(CALLER, MAIL, "")


# --- credentials ---------------------------------------------------------------------------------

PAIR = key_pair(ends_in_days=300)
OTHER, ELLIPTIC = key_pair(), ec.generate_private_key(ec.SECP256R1())
LOCKED = PAIR.key.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PFX_PASSWORD.encode())
).decode()
ELLIPTIC_PEM = ELLIPTIC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
FILES = {
    "a PFX with a wrong password": (PAIR.pfx("another"), PFX_PASSWORD),
    "a PFX without its password": (PAIR.pfx(PFX_PASSWORD), None),
    "a locked key, wrong password": (LOCKED.replace("A", "B", 1) + PAIR.certificate_pem, "x"),
    "a locked key without password": (LOCKED + PAIR.certificate_pem, None),
    "a broken key": (PAIR.key_pem.replace("M", "", 9) + PAIR.certificate_pem, PFX_PASSWORD),
    "a broken certificate": (PAIR.key_pem + PAIR.certificate_pem.replace("M", "", 9), None),
    "a key alone": (PAIR.key_pem, None),
    "a certificate alone": (PAIR.certificate_pem, PFX_PASSWORD),
    "another's certificate": (PAIR.key_pem + OTHER.certificate_pem, None),
    "an elliptic key": (ELLIPTIC_PEM + PAIR.certificate_pem, PFX_PASSWORD),
    "an expired certificate": (key_pair(ends_in_days=-0.1).pfx(PFX_PASSWORD), PFX_PASSWORD),
    "garbage": (f"{CLIENT_SECRET}", PFX_PASSWORD),
}


@paths("certificate", FILES)
def _(tools, entry):
    octets, password = entry
    hidden = Secret(password) if password else None
    return CertificateFile(tools.file(octets), hidden, send_chain=True, clock=tools.clock)


FEDERATED = {"empty": "", "no JWT": CLIENT_SECRET, "expired": sign({"exp": 1}).reveal()}


@paths("federated token", FEDERATED)
def _(tools, text):
    return FederatedTokenFile(tools.file(text), tools.clock)


@path("federated token: expired since")
def _(tools):
    file = tools.file(sign({"exp": NOW + 60}).reveal())
    obo = tools.obo(client_secret=None, federated_token_file=file)
    tools.clock.advance(120)
    return tools.asked(obo)


def _raising(*_):
    raise RuntimeError(ECHO)


FUNCTIONS = {"raises": _raising, "returns nothing": lambda: None, "returns bytes": CLEAR.encode}


@paths("credential function", FUNCTIONS)
def _(tools, function):
    return tools.asked(tools.obo(function, client_secret=None))


@path("credential function: asynchronous")
def _(_tools):
    async def secret():
        return CLIENT_SECRET

    return given(secret)


@path("credential: two of them")
def _(tools):
    return credential_of(tools.settings(), tools.clock, None, lambda: CLIENT_SECRET)


@path("credential: a text that MSAL does not take")
def _(tools):
    return tools.asked(tools.obo(client_secret=CLIENT_SECRET + "\ud800"))


PLATFORM = {
    "400": (400, {"error": "invalid_request", "error_description": ECHO}),
    "404": (404, {"said": ECHO}),
    "429": (429, {"said": ECHO}),
    "500": (500, {"said": ECHO}),
    "nonsense": (200, {"access_token": [CLEAR], "expires_in": ECHO}),
    "cut": requests.ConnectionError(ECHO),
}


@paths("managed identity", PLATFORM)
def _(tools, answer):
    tools.environment.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    tools.environment.setenv("IDENTITY_HEADER", HEADER_OF_APP_SERVICE)
    tools.wire.default, tools.wire.answers = answer, [answer] * 9
    transport = tools.wire.at(PlatformTransport(ca_bundle=None, timeout_seconds=1), "http://")
    return ManagedIdentity(None, transport, setting="managed_identity_client_id").token("api://x")


VAULT = {
    "no certificate": (Item(Secret(CLIENT_SECRET), ""), True),
    "a broken key": (Item(Secret(PAIR.key_pem.replace("M", "", 9)), ""), True),
    "a key alone": (Item(Secret(PAIR.key_pem), "application/x-pem-file"), False),
}


@paths("vault", VAULT)
def _(tools, entry):
    item, is_certificate = entry
    kept = KeyVaultItem(
        lambda: item, is_certificate=is_certificate, send_chain=False, clock=tools.clock
    )
    return kept.current(TENANT)


AGENT = {
    "refused": (401, {"error": "invalid_client", "error_codes": [7000215], "said": ECHO}),
    "throttled": (429, {"said": ECHO}),
    "cut": requests.ConnectionError(ECHO),
}


@paths("agent identity", AGENT)
def _(tools, answer):
    tools.wire.answers = [answer] * 4
    return tools.asked(tools.obo(agent_identity_id=GUID))


# --- settings ------------------------------------------------------------------------------------

SHARED = {"redis_url": REDIS_URL, "cache_keys": RING_KEY}
WRONG = {
    "no tenant": {"tenant_id": "contoso"},
    "a secret's id": {"client_secret": GUID, "client_certificate_password": PFX_PASSWORD},
    "an empty secret": {"client_secret": " ", "client_certificate_password": PFX_PASSWORD},
    "two credentials": {"key_vault_item": "https://v.vault.azure.net/secrets/x"},
    "Redis without keys": {"redis_url": REDIS_URL},
    "Redis of another scheme": SHARED | {"redis_url": f"https://x:{REDIS_PASSWORD}@h"},
    "a short ring key": SHARED | {"cache_keys": SHORT_KEY},
    "ring keys of nonsense": SHARED | {"cache_keys": f"{RING_KEY},{CLIENT_SECRET}"},
    "a cluster and Sentinel": SHARED | {"redis_cluster": True, "redis_sentinel_service": "x"},
    "an unknown setting": SHARED | {"redis_pasword": REDIS_PASSWORD},
    "a user in the address": {"resource_url": f"https://x:{REDIS_PASSWORD}@mcp.example"},
    "a password in the authority": {"authority_host": f"https://x:{REDIS_PASSWORD}@login.example"},
}


@paths("setting", WRONG)
def _(tools, options):
    return tools.settings(**options)


@paths("environment", {name: values for name, values in WRONG.items() if "unknown" not in name})
def _(tools, options):
    tools.environment.setenv("OBO_MCP_CLIENT_SECRET", CLIENT_SECRET)
    for name, value in options.items():
        tools.environment.setenv(f"OBO_MCP_{name.upper()}", str(value))
    return Settings.from_env(tools.folder / ".env")


@path("environment: a file with a fault")
def _(tools):
    faulty = f"OBO_MCP_CLIENT_SECRET={CLIENT_SECRET}\nOBO_MCP_TENANT_ID=contoso"
    return Settings.from_env(tools.file(faulty))


@path("environment: a file that is no text")
def _(tools):
    return Settings.from_env(tools.file(b"OBO_MCP_CLIENT_SECRET=\xff" + CLIENT_SECRET.encode()))


# --- the shared cache ----------------------------------------------------------------------------

ADDRESSES = {
    "a port of nonsense": f"redis://x:{REDIS_PASSWORD}@127.0.0.1:port",
    "an unknown option": f"{REDIS_URL}?password_of={REDIS_PASSWORD}",
    "two addresses": f"{REDIS_URL},{REDIS_URL}",
    "a file that is missing": f"rediss://x:{REDIS_PASSWORD}@h?ssl_ca_certs=/no/such",
    "a file that is no certificate": f"rediss://x:{REDIS_PASSWORD}@h?ssl_ca_certs={__file__}",
}


@paths("Redis address", ADDRESSES)
def _(tools, address):
    return connect(tools.settings(redis_url=address, cache_keys=RING_KEY))


KEY = CacheKey(
    assertion_digest=ASSERTION.digest(), tenant_id="t", client_id="c", resource="r", scopes=("s",)
)
ENTRY = CachedToken(
    token=DOWNSTREAM, scopes=("s",), expires_at=NOW + 3600, assertion_expires_at=NOW + 3600
)
USES = {
    "get": lambda cache: cache.get(KEY, ASSERTION),
    "put": lambda cache: cache.put(KEY, ENTRY, ASSERTION),
    "discard": lambda cache: cache.discard(KEY),
}


def redis_cache(tools, url):
    settings = tools.settings(redis_url=url, cache_keys=RING_KEY)
    envelope = Envelope(KeyRing(settings.cache_keys))
    return RedisTokenCache(connect(settings), envelope, tools.clock, 5.0)


async def used(tools, url, use):
    cache = redis_cache(tools, url)
    try:
        await use(cache)
    finally:
        await cache.aclose()


@paths("Redis gone", USES)
def _(tools, use):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return used(tools, f"redis://x:{REDIS_PASSWORD}@127.0.0.1:{port}", use)


@paths("Redis without the host", USES)
def _(tools, use):
    return used(tools, f"redis://x:{REDIS_PASSWORD}@no-such-host.invalid", use)


def _flipped(octets):
    return octets[:-1] + bytes([octets[-1] ^ 1])


TAMPERED = {"cut": lambda o: o[:-1], "flipped": _flipped, "empty": lambda _: b"", "longer":
            lambda o: o + b"x", "another version": lambda o: b"\2" + o[1:]}  # fmt: skip


@paths("envelope", TAMPERED)
def _(tools, tampered):
    envelope = Envelope(KeyRing([Secret(RING_KEY)]))
    name, octets = envelope.seal(KEY, ENTRY, ASSERTION)
    return envelope.open(name, tampered(octets), ASSERTION, NOW)


@paths("key ring", {"none": (), "short": (Secret(SHORT_KEY),), "garbage": (Secret("%%%"),)})
def _(_tools, keys):
    return KeyRing(keys)


# --- all of them ---------------------------------------------------------------------------------


def test_there_are_many_ways_to_fail():
    assert len(PATHS) >= 80


@pytest.mark.promise("P-25")
@pytest.mark.parametrize("name", PATHS)
async def test_a_failure_shows_no_secret_even_with_the_locals_of_every_frame(tools, name):
    error = await failure(PATHS[name], tools)
    silent(printed(error))
    raised = type(error), error, error.__traceback__
    line = logging.LogRecord("x", logging.ERROR, "f", 1, "it failed", (), raised)
    silent(JsonLines().format(line))


LEAVES = sorted(
    {
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, OboError | ConfigurationError)
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
async def test_no_leaf_of_the_tree_takes_its_cause_along(leaf):
    """To a client, to a model, to another process: its words only."""
    error = leaf()
    error.__cause__ = RuntimeError(ECHO)
    if leaf is not ConfigurationError:
        shown = tool_error(error)
        resource = ProtectedResource(url="https://h/mcp", authorization_servers=(), scope="s")
        sent = []
        await challenge(error, resource, "id").send(_into(sent))
        silent(f"{shown} {shown!r} {vars(shown)} {sent}")
    silent(f"{error} {error!r} {pickle.loads(pickle.dumps(error))!r}")


def _into(sent):
    async def send(message):
        sent.append(message)

    return send


# --- what objects say of themselves --------------------------------------------------------------


def everything(tools):
    """One of each thing that holds a secret, or holds something that does."""
    settings = tools.settings(**SHARED)
    locked = tools.settings(client_secret=None, client_certificate_path=Path(__file__),
                            client_certificate_password=PFX_PASSWORD)  # fmt: skip
    obo = tools.obo(**SHARED)
    ring = KeyRing(settings.cache_keys)
    certificate = Certificate.read(PAIR.pfx(PFX_PASSWORD), Secret(PFX_PASSWORD))
    client = connect(settings)
    near, shared = MemoryTokenCache(9, tools.clock), redis_cache(tools, REDIS_URL)
    near._kept[KEY] = ENTRY
    source = obo._source(CALLER, MAIL)
    platform = PlatformTransport(ca_bundle=None, timeout_seconds=1)
    return {
        "Settings": settings, "Settings of a PFX": locked, "OnBehalfOf": obo,
        "KeyRing": ring, "RingKey": ring.newest,
        "Envelope": Envelope(ring), "Secret": ASSERTION, "Caller": CALLER, "Principal": OURS,
        "CacheKey": KEY, "CachedToken": ENTRY, "ClearToken": ClearToken(CLEAR), "Redis": client,
        "MemoryTokenCache": near, "RedisTokenCache": shared,
        "TieredTokenCache": TieredTokenCache(near, shared, tools.clock), "TokenSource": source,
        "OnBehalfOfAuth": OnBehalfOfAuth(lambda: source, AUTHORITY), "TokenBroker": obo._broker,
        "OnBehalfOfGrant": obo._grant, "Applications": obo._grant._applications,
        "OnBehalfOfMiddleware": obo.protect(lambda *_: None), "Item": Item(ASSERTION, "x"),
        "ClientSecret": ClientSecret(Secret(CLIENT_SECRET)), "Certificate": certificate,
        "AccessTokenVerifier": obo._verifier, "Asserted": given(lambda: CLIENT_SECRET),
        "ManagedIdentity": ManagedIdentity(None, platform, setting="x"),
        "TokenEndpointTransport": TokenEndpointTransport(
            ca_bundle=None, timeout_seconds=1, connections=1),
        "request state": obo.request_state_security(), "Door": obo.protect(lambda *_: None)._door,
    }  # fmt: skip


@pytest.mark.promise("P-25")
def test_nothing_shows_a_secret_in_a_repr(tools):
    for name, thing in everything(tools).items():
        silent(f"{name}: {thing!r} {thing!s} {[thing]!r} {thing!a}".replace(str(CLEAR), ""))
        if name != "ClearToken":
            silent(f"{thing}")


def test_public_names_that_hold_secrets_are_all_looked_at(tools):
    classes = {name for name in obo_mcp.__all__ if inspect.isclass(getattr(obo_mcp, name))}
    kinds = {name for name in classes if not issubclass(getattr(obo_mcp, name), Exception)}
    assert kinds <= everything(tools).keys()


HOLDERS = ["Settings", "Secret", "Caller", "CachedToken", "Item", "ClientSecret",
           "MemoryTokenCache", "Certificate", "ClearToken", "KeyRing", "RingKey",
           "Envelope"]  # fmt: skip


@pytest.mark.parametrize("name", HOLDERS)
def test_what_holds_a_secret_cannot_be_pickled(tools, name):
    """A queue, a cache of a framework or a crash reporter would write it down."""
    thing = everything(tools)[name]
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(thing, protocol)
        silent(str(caught.value))


@pytest.mark.parametrize("name", ["Settings", "Secret", "Caller", "CachedToken", "CacheKey"])
def test_copies_and_dictionaries_are_as_silent_as_the_original(tools, name):
    thing = everything(tools)[name]
    for each in (copy.deepcopy(thing), copy.deepcopy([thing]), copy.deepcopy({"x": thing})):
        silent(repr(each))
    if dataclasses.is_dataclass(thing):
        silent(repr(dataclasses.asdict(thing)) + json.dumps(dataclasses.asdict(thing), default=str))


def test_settings_are_silent_in_every_form_that_pydantic_has(tools):
    settings = everything(tools)["Settings"]
    silent(repr(settings.model_dump()) + json.dumps(settings.model_dump(), default=str))
    silent(repr(settings.model_copy()) + str(list(settings)) + repr(settings.__rich_repr__()))
    try:
        silent(settings.model_dump_json())
    except Exception as error:  # noqa: BLE001 - to refuse is as good
        silent(str(error))


# --- an application that fails behind the door ---------------------------------------------------


class Listening(logging.Handler):
    """Writes tracebacks with the locals of each frame, as error reporters do."""

    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())
        if record.exc_info:
            self.said.append(printed(record.exc_info[1]))


@pytest.fixture
def reporter():
    handler, logger = Listening(), logging.getLogger("obo_mcp")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def test_an_application_that_fails_is_reported_without_its_callers_token(tools, reporter):
    async def fails(scope, receive, send):
        raise RuntimeError("the application's own words")

    obo = tools.obo()
    obo._verifier.verify = _verified
    answer = await call(obo.protect(fails), headers=[bearer(ASSERTION), (b"host", b"mcp.example")])
    assert answer.status == 500
    silent(answer.body.decode() + str(answer.headers))
    silent("".join(reporter.said))
    assert "own words" in "".join(reporter.said)


async def _verified(_token):
    return OURS
