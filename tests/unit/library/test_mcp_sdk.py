"""The adapter to the official SDK, where no request stands behind it."""

import gc
import weakref
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.request_state import InvalidRequestState

from obo_mcp.adapters.mcp_sdk import (
    challenged,
    request_state_security,
    resolver,
    sign_in,
    tool_error,
    transport_security,
)
from obo_mcp.errors import AssertionRejected, ConsentRequired, InteractionRequired, Unavailable
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


def test_a_missing_consent_is_told_with_its_links_and_scopes_and_keeps_them():
    original = ConsentRequired(
        "In words.", scopes=("r/A", "r/B"), consent_url="https://p", admin_consent_url="https://a"
    )
    shown = tool_error(original)
    assert isinstance(shown, ConsentRequired)
    assert str(shown).splitlines() == [
        "In words.",
        "The person can agree at https://p",
        "An administrator can agree for everybody at https://a",
        "Asked for: r/A r/B",
    ]
    assert (shown.scopes, shown.consent_url) == (original.scopes, original.consent_url)
    assert str(original) == "In words."
    assert str(tool_error(ConsentRequired("In words."))) == "In words."


def test_a_step_up_is_told_without_its_claims():
    assert "secret" not in str(tool_error(InteractionRequired(claims='{"a":"secret"}')))


def test_the_door_is_asked_only_for_what_a_new_sign_in_cures():
    taken, scope = [], {}
    request = SimpleNamespace(scope=scope)
    assert not challenged(request, InteractionRequired())
    sign_in(scope, CALLER)()
    assert not challenged(request, InteractionRequired())
    sign_in(scope, CALLER, lambda error: bool(taken.append(error) or len(taken) < 3))()
    for refusal in (InteractionRequired(), AssertionRejected()):
        assert challenged(request, refusal)
    assert not challenged(request, InteractionRequired())
    assert len(taken) == 3
    for refusal in (ConsentRequired(), Unavailable()):
        assert not challenged(request, refusal)
    assert not challenged(None, InteractionRequired())
    assert len(taken) == 3


def test_without_keys_each_process_seals_request_state_for_itself():
    alone = [request_state_security([]) for _ in range(2)]
    shared = [request_state_security([b"k" * 32]) for _ in range(2)]
    assert shared[1].codec.unseal(shared[0].codec.seal(b"state")) == b"state"
    with pytest.raises(InvalidRequestState):
        alone[1].codec.unseal(alone[0].codec.seal(b"state"))


def test_the_sdks_rebinding_guard_leaves_the_hosts_to_the_door():
    assert not transport_security().enable_dns_rebinding_protection


def test_the_class_of_the_sdks_results_is_kept_alive_between_calls():
    first = weakref.ref(AcceptedElicitation[Any])
    gc.collect()
    assert first() is AcceptedElicitation[Any]
