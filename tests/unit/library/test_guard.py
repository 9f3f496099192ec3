"""Which hosts and web pages get past the door, and how much of headers is read.

tests/vectors/hosts.json holds the hostile values; what they are is in their names.
"""

import json
from pathlib import Path

import pytest

from obo_mcp import OnBehalfOf, Settings
from obo_mcp.asgi.guard import MAX_HEADER_BYTES, MAX_HEADERS, Guard
from obo_mcp.errors import HeadersTooLarge, HostNotAllowed, OriginNotAllowed
from support.asgi import call
from support.tokens import CLIENT, TENANT

_CORPUS = json.loads((Path(__file__).parents[2] / "vectors" / "hosts.json").read_text("utf-8"))
HOSTILE_HOSTS, HOSTILE_ORIGINS = _CORPUS["hostile_hosts"], _CORPUS["hostile_origins"]

REMOTE = Guard(
    hosts=frozenset({"mcp.example", "mcp.example:443"}),
    origins=frozenset({"https://mcp.example"}),
    local_pages=False,
)
LOCAL = Guard(
    hosts=frozenset({"127.0.0.1:8000"}),
    origins=frozenset({"http://127.0.0.1:8000"}),
    local_pages=True,
)
DOORS = {"remote": REMOTE, "local": LOCAL}
OUR_HOST = {REMOTE: (b"host", b"mcp.example"), LOCAL: (b"host", b"127.0.0.1:8000")}


def fields(name, values):
    """As header fields; a character is an octet, as in the corpus."""
    listed = [values] if isinstance(values, str) else values
    return [(name, value.encode("latin-1")) for value in listed]


def test_the_corpus_is_as_large_as_promised():
    assert len(HOSTILE_HOSTS) >= 60
    assert len(HOSTILE_ORIGINS) >= 60


@pytest.mark.promise("P-13")
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("values", HOSTILE_HOSTS.values(), ids=HOSTILE_HOSTS)
def test_no_hostile_host_passes(door, values):
    with pytest.raises(HostNotAllowed):
        door.check(fields(b"host", values))


@pytest.mark.promise("P-13")
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("values", HOSTILE_ORIGINS.values(), ids=HOSTILE_ORIGINS)
def test_no_hostile_origin_passes(door, values):
    with pytest.raises(OriginNotAllowed):
        door.check([OUR_HOST[door], *fields(b"origin", values)])


THIS_MACHINE = [
    "localhost", "LOCALHOST", "LocalHost:8000", "localhost:1", "localhost:65535",
    "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000",
]  # fmt: skip
OURS = ["mcp.example", "MCP.Example", "mcp.example:443", "MCP.EXAMPLE:443"]


@pytest.mark.parametrize("host", OURS)
def test_our_own_host_passes_in_any_case_and_with_its_own_port(host):
    REMOTE.check(fields(b"host", host))
    with pytest.raises(HostNotAllowed):
        LOCAL.check(fields(b"host", host))


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("host", THIS_MACHINE)
def test_this_machines_names_pass_as_hosts_with_any_port(door, host):
    door.check(fields(b"host", host))


@pytest.mark.parametrize("scheme", ["http", "https", "HTTP"])
@pytest.mark.parametrize("host", THIS_MACHINE)
def test_this_machines_pages_pass_at_a_local_door_only(scheme, host):
    page = fields(b"origin", f"{scheme}://{host}")
    LOCAL.check([OUR_HOST[LOCAL], *page])
    with pytest.raises(OriginNotAllowed):
        REMOTE.check([OUR_HOST[REMOTE], *page])


@pytest.mark.parametrize("origin", ["https://mcp.example", "HTTPS://MCP.EXAMPLE"])
def test_our_own_pages_pass(origin):
    REMOTE.check([OUR_HOST[REMOTE], *fields(b"origin", origin)])
    with pytest.raises(OriginNotAllowed):
        LOCAL.check([OUR_HOST[LOCAL], *fields(b"origin", origin)])


@pytest.mark.parametrize("name", [b"Host", b"HOST"])
def test_a_second_host_in_another_case_is_a_second_host(name):
    with pytest.raises(HostNotAllowed):
        REMOTE.check([OUR_HOST[REMOTE], (name, b"mcp.example")])


@pytest.mark.parametrize("name", [b"Origin", b"ORIGIN"])
def test_an_origin_in_another_case_is_an_origin(name):
    with pytest.raises(OriginNotAllowed):
        REMOTE.check([OUR_HOST[REMOTE], (name, b"https://evil.example")])


FORWARDED = {
    b"x-forwarded-host": b"mcp.example",
    b"forwarded": b"host=mcp.example",
    b"x-host": b"mcp.example",
    b"x-original-host": b"mcp.example",
    b":authority": b"mcp.example",
}


@pytest.mark.parametrize("name", FORWARDED, ids=lambda name: name.decode())
def test_no_other_header_stands_in_for_the_host(name):
    with pytest.raises(HostNotAllowed):
        REMOTE.check([(b"host", b"evil.example"), (name, FORWARDED[name])])
    REMOTE.check([OUR_HOST[REMOTE], (name, b"evil.example")])


def test_a_bad_host_is_told_before_a_bad_origin():
    with pytest.raises(HostNotAllowed):
        REMOTE.check([(b"host", b"evil.example"), (b"origin", b"https://evil.example")])


def of_fields(count):
    return [OUR_HOST[REMOTE], *[(b"x", b"y")] * (count - 1)]


def of_bytes(count):
    name, value = OUR_HOST[REMOTE]
    rest = count - len(name) - len(value)
    return [(name, value), (b"x" * (rest // 2), b"y" * (rest - rest // 2))]


@pytest.mark.parametrize("count", [1, MAX_HEADERS - 1, MAX_HEADERS])
def test_as_many_header_fields_as_we_read_pass(count):
    REMOTE.check(of_fields(count))


@pytest.mark.parametrize("count", [MAX_HEADERS + 1, 10 * MAX_HEADERS])
def test_one_header_field_more_is_too_many(count):
    with pytest.raises(HeadersTooLarge):
        REMOTE.check(of_fields(count))


@pytest.mark.parametrize("count", [MAX_HEADER_BYTES - 1, MAX_HEADER_BYTES])
def test_as_many_header_bytes_as_we_read_pass(count):
    REMOTE.check(of_bytes(count))


@pytest.mark.parametrize("count", [MAX_HEADER_BYTES + 1, 10 * MAX_HEADER_BYTES])
def test_one_header_byte_more_is_too_many(count):
    with pytest.raises(HeadersTooLarge):
        REMOTE.check(of_bytes(count))


def test_the_limits_are_those_that_are_documented():
    assert (MAX_HEADERS, MAX_HEADER_BYTES) == (128, 48 * 1024)


def test_headers_that_are_too_large_are_not_looked_through():
    with pytest.raises(HeadersTooLarge):
        REMOTE.check([(b"host", b"evil.example"), (b"x", b"y" * MAX_HEADER_BYTES)])


def protected(resource_url, **options):
    """The door as `protect()` composes it, before an application that nobody may reach."""

    async def app(scope, receive, send):
        raise AssertionError("reached without a token")

    settings = Settings(
        tenant_id=TENANT,
        client_id=CLIENT,
        client_secret="a-secret-of-the-tests",
        resource_url=resource_url,
        required_scope="mcp.access",
        **options,
    )
    return OnBehalfOf(settings).protect(app)


async def status(door, host, *origins):
    """401 is what a request without a token gets that the guard lets pass."""
    sent = [(b"host", host.encode()), *((b"origin", each.encode()) for each in origins)]
    return (await call(door, headers=sent)).status


COMPOSED = {
    "the default port of https": (
        "https://mcp.example/mcp",
        ["mcp.example", "mcp.example:443", "MCP.example", "localhost:5000"],
        ["mcp.example:80", "mcp.example:8443", "evil.example"],
    ),
    "the default port, written out": (
        "https://mcp.example:443/mcp",
        ["mcp.example", "mcp.example:443"],
        ["mcp.example:80", "evil.example:443"],
    ),
    "another port": (
        "https://mcp.example:8443",
        ["mcp.example:8443"],
        ["mcp.example", "mcp.example:443"],
    ),
    "a local server": (
        "http://127.0.0.1:8000/mcp",
        ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1"],
        ["mcp.example", "127.0.0.1.nip.io:8000"],
    ),
}


@pytest.mark.parametrize(("url", "good", "bad"), COMPOSED.values(), ids=COMPOSED)
async def test_protect_admits_the_host_of_the_resource_url(url, good, bad):
    door = protected(url)
    assert {host: await status(door, host) for host in good} == dict.fromkeys(good, 401)
    assert {host: await status(door, host) for host in bad} == dict.fromkeys(bad, 421)


async def test_protect_admits_pages_of_the_resource_url_and_local_ones_at_a_local_server_only():
    remote, local = protected("https://mcp.example/mcp"), protected("http://127.0.0.1:8000/mcp")
    page = "http://localhost:6274"
    assert await status(remote, "mcp.example", "https://mcp.example") == 401
    assert await status(remote, "mcp.example", page) == 403
    assert await status(remote, "localhost", page) == 403
    assert await status(local, "127.0.0.1:8000", page) == 401
    assert await status(local, "127.0.0.1:8000", "http://127.0.0.1:8000") == 401
    assert await status(local, "127.0.0.1:8000", "https://mcp.example") == 403


async def test_hosts_and_origins_of_the_operators_own_list_are_admitted_exactly():
    door = protected(
        "https://mcp.example/mcp",
        allowed_hosts=("Proxy.example", "inner.example:8080"),
        allowed_origins=("https://Pages.example", "https://pages.example:3000"),
    )
    hosts = {"proxy.example": 401, "PROXY.example": 401, "inner.example:8080": 401}
    hosts |= {"proxy.example:443": 401, "proxy.example:80": 421}
    hosts |= {"inner.example": 421, "inner.example:443": 421}
    assert {host: await status(door, host) for host in hosts} == hosts
    pages = {"https://pages.example": 401, "https://pages.example:3000": 401}
    pages |= {"http://pages.example": 403, "https://pages.example:443": 403}
    pages |= {"https://proxy.example": 403, "https://pages.example:8443": 403}
    assert {page: await status(door, "mcp.example", page) for page in pages} == pages
