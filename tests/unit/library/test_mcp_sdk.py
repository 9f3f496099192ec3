"""The adapter to the official SDK, where no request stands behind it."""

import gc
import weakref
from typing import Annotated, Any

from mcp import Client
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver.exceptions import ToolError

from obo_mcp.adapters.mcp_sdk import resolver, sign_in, tool_error, transport_security
from obo_mcp.errors import ConsentRequired, InteractionRequired, Unavailable
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from support.callers import text
from support.tokens import NOW, TENANT

CALLER = Caller(
    Principal(
        tid=TENANT,
        oid="adele",
        sub="pairwise",
        azp="client",
        issuer="issuer",
        scopes=frozenset({"mcp.access", "b"}),
        expires_at=NOW,
        token_digest=b"",
    ),
    Secret("the token"),
    "correlation",
)


async def test_without_http_in_front_a_tool_says_that_nobody_is_signed_in():
    mcp = MCPServer("in memory")

    async def give(caller):
        return caller.principal.oid

    @mcp.tool()
    async def who(oid: Annotated[str, resolver(give)]) -> str:
        return oid

    async with Client(mcp) as client:
        result = await client.call_tool("who", {})
    assert result.is_error
    assert "Nobody is signed in" in text(result)


def test_the_caller_is_shown_for_one_request_only_and_without_the_token():
    scope = {}
    assert get_access_token() is None
    sign_out = sign_in(scope, CALLER)
    shown = get_access_token()
    assert (shown.client_id, shown.scopes) == ("client", ["b", "mcp.access"])
    assert shown.claims["oid"] == "adele"
    assert shown.subject == f"{TENANT}.adele"
    assert scope["user"].access_token is shown
    assert scope["auth"].scopes == ["b", "mcp.access"]
    assert "the token" not in repr(shown) + repr(scope)
    sign_out()
    assert get_access_token() is None


def test_a_tool_error_is_still_the_leaf_it_was():
    original = InteractionRequired(claims="{}")
    original.__cause__ = ValueError("private")
    shown = tool_error(original)
    assert isinstance(shown, InteractionRequired)
    assert isinstance(shown, ToolError)
    assert (shown.claims, str(shown)) == ("{}", str(original))
    assert shown.__cause__ is original.__cause__
    assert tool_error(shown) is shown
    assert type(tool_error(InteractionRequired())) is type(shown)
    assert not isinstance(tool_error(ConsentRequired()), InteractionRequired)
    assert tool_error(Unavailable(retry_after_seconds=9)).retry_after_seconds == 9


def test_the_sdks_rebinding_guard_leaves_the_hosts_to_the_door():
    assert not transport_security().enable_dns_rebinding_protection


def test_the_class_of_the_sdks_results_is_kept_alive_between_calls():
    first = weakref.ref(AcceptedElicitation[Any])
    gc.collect()
    assert first() is AcceptedElicitation[Any]
