import json
import logging

import pytest
from mcp import Client
from mcp.types import Implementation

from obo_graph.callers import plain
from obo_mcp.observe import fields_of

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


def lines(caplog):
    return [fields_of(r) for r in caplog.records if r.name == "obo_graph.callers"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_message_leaves_one_line_with_client_protocol_and_tool(world, caplog, mode):
    caplog.set_level("INFO", "obo_graph.callers")
    agent = Implementation(name="foundry\nagent", version="1.2")
    async with Client(world.server, mode=mode, client_info=agent) as client:
        await client.call_tool("whoami", {})
    told = lines(caplog)
    call = next(line for line in told if line["method"] == "tools/call")
    assert call["tool"] == "whoami"
    assert call["correlation_id"] == "correlation-0001"
    assert call["protocol"]
    named = next(line for line in told if "client" in line)
    assert (named["client"], named["client_version"]) == ("foundry?agent", "1.2")


@pytest.mark.parametrize("value", ["x" * 10_000, "a\r\nb", "é\u202e", {"a": 1}, None, 3])
async def test_a_claim_is_short_and_printable(value):
    assert len(plain(value)) <= 120
    assert plain(value).isascii()
    assert plain(value).isprintable()


async def test_a_token_in_a_claim_is_hidden():
    assert "eyJ" not in plain(f"Agent/1.0 {JWT}")
    assert plain(f"Agent/1.0 {JWT}").startswith("Agent/1.0 ")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", ["httpx", "mcp.server.mcpserver.server", "sse_starlette.sse"])
def test_who_would_log_addresses_and_answers_is_quiet_whatever_the_level(name):
    assert logging.getLogger(name).level == logging.WARNING


async def test_claims_of_any_shape_do_no_harm(world, caplog):
    caplog.set_level("INFO", "obo_graph.callers")
    async with world.client() as client:
        odd = {"io.modelcontextprotocol/clientInfo": {"name": ["x"] * 99, "version": None}}
        assert not (await client.call_tool("whoami", {}, meta=odd)).is_error
    assert all(len(json.dumps(line)) < 1200 for line in lines(caplog))
