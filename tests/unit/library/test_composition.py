"""What OnBehalfOf makes of its settings at the door."""

import asyncio

import pytest

from obo_mcp import MemoryTokenCache, OnBehalfOf, Settings
from obo_mcp.clock import SystemClock
from support.asgi import call
from support.tokens import CLIENT, TENANT

OTHER = "22222222-2222-4333-8444-555555555555"


def settings(**changes):
    values = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "client_secret": "hunter2-hunter2",
        "resource_url": "https://mcp.example/mcp",
        "required_scope": "mcp.access",
    }
    return Settings(**(values | changes))


async def nobody(scope, receive, send):
    raise AssertionError("nobody gets here without a token")


async def status(host, origin=None, **changes):
    app = OnBehalfOf(settings(**changes)).protect(nobody)
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    return (await call(app, headers=headers)).status


@pytest.mark.parametrize("url", ["https://mcp.example/mcp", "https://mcp.example:443/mcp"])
@pytest.mark.parametrize(
    "host", ["mcp.example", "MCP.example", "mcp.example:443", "localhost:8000"]
)
async def test_the_default_port_may_be_written_out_or_not(url, host):
    assert await status(host, "https://mcp.example", resource_url=url) == 401


@pytest.mark.parametrize("host", ["mcp.example:80", "mcp.example:8443", "example", "x.mcp.example"])
async def test_another_host_is_misdirected(host):
    assert await status(host) == 421


async def test_another_port_than_the_default_must_be_there():
    url = "https://mcp.example:8443/mcp"
    assert await status("mcp.example:8443", resource_url=url) == 401
    assert await status("mcp.example", resource_url=url) == 421


async def test_a_proxys_host_and_a_friends_page_are_admitted_by_name():
    assert await status("proxy.internal", allowed_hosts=("proxy.internal",)) == 401
    assert await status("proxy.internal") == 421
    friend = "https://chat.example"
    assert await status("mcp.example", friend, allowed_origins=(friend,)) == 401
    assert await status("mcp.example", friend) == 403


async def test_pages_of_this_machine_are_admitted_by_a_server_on_this_machine_only():
    page = "http://localhost:6274"
    assert await status("mcp.example", page) == 403
    assert await status("127.0.0.1:8000", page, resource_url="http://127.0.0.1:8000/mcp") == 401


async def test_the_metadata_names_the_authorization_server_of_every_tenant_admitted():
    app = OnBehalfOf(settings(allowed_tenants=(TENANT, OTHER))).protect(nobody)
    answer = await call(app, "/.well-known/oauth-protected-resource", method="GET")
    host = "https://login.microsoftonline.com"
    assert answer.json["authorization_servers"] == [f"{host}/{TENANT}/v2.0", f"{host}/{OTHER}/v2.0"]
    assert answer.json["scopes_supported"] == [f"api://{CLIENT}/mcp.access"]


async def test_external_id_is_named_by_the_tenants_own_host():
    app = OnBehalfOf(settings(authority_host="contoso.ciamlogin.com")).protect(nobody)
    answer = await call(app, "/.well-known/oauth-protected-resource", method="GET")
    issuer = f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"
    assert answer.json["authorization_servers"] == [issuer]


def test_the_body_limit_is_the_setting():
    app = OnBehalfOf(settings(max_body_bytes=2048)).protect(nobody)
    assert app._door.max_body_bytes == 2048


async def preflight(origin, path="/mcp", **changes):
    app = OnBehalfOf(settings(**changes)).protect(nobody)
    asked = [(b"origin", origin.encode()), (b"access-control-request-method", b"POST")]
    asked.append((b"access-control-request-headers", b"authorization,mcp-protocol-version"))
    return await call(app, path, method="OPTIONS", headers=asked)


FRIEND = "https://chat.example"
LOCAL = {"resource_url": "http://127.0.0.1:8000/mcp"}


@pytest.mark.parametrize(
    ("origin", "changes"),
    [(FRIEND, {"allowed_origins": (FRIEND,)}), ("http://localhost:6274", LOCAL)],
)
async def test_a_page_that_is_admitted_gets_its_preflight_answered(origin, changes):
    answer = await preflight(origin, **changes)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert answer.headers["access-control-allow-headers"] == "authorization,mcp-protocol-version"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("origin", "changes"),
    [
        (FRIEND, {}),
        ("https://evil.example", {"allowed_origins": (FRIEND,)}),
        ("http://localhost.evil.example:6274", LOCAL),
    ],
)
async def test_a_page_that_is_not_admitted_is_told_so_without_permission(origin, changes):
    answer = await preflight(origin, **changes)
    assert (answer.status, answer.json["error"]) == (403, "invalid_request")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [FRIEND, "https://evil.example"])
async def test_any_page_may_read_the_metadata(origin):
    path = "/.well-known/oauth-protected-resource"
    answer = await preflight(origin, path, allowed_origins=(FRIEND,))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")


async def test_an_admitted_page_can_read_a_refusal_and_its_challenge():
    app = OnBehalfOf(settings(allowed_origins=(FRIEND,))).protect(nobody)
    answer = await call(app, headers=[(b"origin", FRIEND.encode())])
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, FRIEND)
    assert "www-authenticate" in answer.headers["access-control-expose-headers"]
    options = [(b"origin", FRIEND.encode())]
    assert (await call(app, method="OPTIONS", headers=options)).status == 401
    assert "access-control-allow-origin" not in (await call(app)).headers


def test_a_cache_of_the_developers_own_is_used_while_it_is_still_empty():
    own = MemoryTokenCache(7, SystemClock())
    assert OnBehalfOf(settings(), cache=own)._cache is own


def test_what_one_part_raises_at_the_end_keeps_none_of_the_others_open():
    class Failing(MemoryTokenCache):
        async def aclose(self):
            closed.append("cache")
            raise OSError

    closed = []

    async def live_and_end():
        obo = OnBehalfOf(settings(), cache=Failing(7, SystemClock()))
        end = obo._grant.close

        def grant_closes():
            closed.append("grant")
            end()
            raise OSError

        obo._grant.close = grant_closes
        async with obo.running():
            pass

    with pytest.raises(OSError, match=r"^$"):
        asyncio.run(live_and_end())
    assert closed == ["grant", "cache"]
