"""What becomes of a refusal inside a tool call: by wire, by what the client declared, by link."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from mcp import UrlElicitationRequiredError
from mcp.types import ClientCapabilities

from obo_mcp.adapters.mcp_refusals import refusals
from obo_mcp.adapters.mcp_sdk import TOLD, tool_error
from obo_mcp.errors import AssertionRejected, ConsentRequired, InteractionRequired, Unavailable

MODERN, LEGACY = "2026-07-28", "2025-11-25"
URL = "https://login.example/agree?client_id=c"
STAMP = {"io.modelcontextprotocol/serverInfo": {"name": "under test", "version": "1"}}
CAN_OPEN = {"elicitation": {"url": {}}}


def context(version=MODERN, declared=CAN_OPEN, refuse=None, method="tools/call", **params):
    capabilities = None if declared is None else ClientCapabilities.model_validate(declared)
    request = SimpleNamespace(scope={"obo_mcp.refuse": refuse} if refuse else {})
    return SimpleNamespace(
        method=method,
        params=params,
        protocol_version=version,
        request=request,
        session=SimpleNamespace(client_capabilities=capabilities),
    )


def missing_consent(url=URL):
    return ConsentRequired(scopes=("r/A",), consent_url=url, admin_consent_url="https://admin")


def failing(refusal, words=None):
    """A tool call that was refused, and fails with these words or the refusal's own."""

    async def call(ctx):
        shown = tool_error(refusal)
        text = str(shown) if words is None else words
        return {
            "isError": True,
            "content": [{"type": "text", "text": f"Error executing tool x: {text}"}],
            "_meta": STAMP,
        }

    return call


async def outcome(ctx, call, *, to_unknown_clients=False):
    """In one word what the client gets."""
    try:
        result = await refusals(to_unknown_clients=to_unknown_clients)(ctx, call)
    except UrlElicitationRequiredError:
        return "error"
    if result.get("resultType") == "input_required":
        return "question"
    return "words" if result.get("isError") else "served"


TABLE = [
    (MODERN, CAN_OPEN, False, "question"),
    (MODERN, {"elicitation": {"form": {}}}, False, "words"),
    (MODERN, {"elicitation": {}}, False, "words"),
    (MODERN, {}, True, "words"),
    (MODERN, None, True, "words"),
    (LEGACY, CAN_OPEN, False, "error"),
    (LEGACY, {"elicitation": {"form": {}}}, True, "words"),
    (LEGACY, {}, True, "words"),
    (LEGACY, None, False, "words"),
    (LEGACY, None, True, "error"),
    ("2025-06-18", CAN_OPEN, True, "words"),
    ("2025-03-26", None, True, "words"),
]


@pytest.mark.promise("P-10")
@pytest.mark.parametrize(("version", "declared", "to_unknown", "wanted"), TABLE)
async def test_a_missing_consent_takes_the_form_that_wire_and_client_know(
    version, declared, to_unknown, wanted
):
    ctx = context(version, declared)
    call = failing(missing_consent())
    assert await outcome(ctx, call, to_unknown_clients=to_unknown) == wanted


LINKS = {
    "https://login.example/a": "question",
    "http://localhost:8000/a": "question",
    "http://127.0.0.1/a": "question",
    "http://[::1]/a": "question",
    "http://login.example/a": "words",
    "http://localhost.evil.example/a": "words",
    "javascript:alert(1)": "words",
    "": "words",
}


@pytest.mark.parametrize(("url", "wanted"), LINKS.items())
async def test_only_https_and_the_persons_own_machine_are_opened(url, wanted):
    assert await outcome(context(), failing(missing_consent(url))) == wanted


async def test_the_question_has_the_servers_stamp_one_link_and_no_state():
    result = await refusals(to_unknown_clients=False)(context(), failing(missing_consent()))
    assert result.keys() == {"resultType", "inputRequests", "_meta"}
    assert result["_meta"] == STAMP
    ((key, request),) = result["inputRequests"].items()
    assert request["method"] == "elicitation/create"
    assert request["params"]["url"] == URL
    assert request["params"]["mode"] == "url"
    assert "elicitationId" not in json.dumps(result)
    ctx = context(inputResponses={key: {"action": "accept"}})
    assert await outcome(ctx, failing(missing_consent())) == "words"
    other = failing(missing_consent("https://login.example/another"))
    assert await outcome(ctx, other) == "question"


@pytest.mark.parametrize(
    "params",
    [{"requestState": "of the tool"}, {"inputResponses": {"of the tool": {"action": "accept"}}}],
)
async def test_a_call_in_the_middle_of_its_own_questions_is_not_made_to_start_over(params):
    assert await outcome(context(**params), failing(missing_consent())) == "words"


async def test_the_error_has_one_link_an_id_and_words_without_addresses():
    with pytest.raises(UrlElicitationRequiredError) as raised:
        await refusals(to_unknown_clients=False)(context(LEGACY), failing(missing_consent()))
    (link,) = raised.value.error.data["elicitations"]
    assert link["url"] == URL
    assert len(link["elicitationId"]) == 36
    assert "https" not in raised.value.message


@pytest.mark.parametrize("refusal", [InteractionRequired(claims="{}"), AssertionRejected()])
async def test_a_sign_in_that_is_over_is_taken_to_the_door(refusal):
    taken = []
    ctx = context(refuse=lambda error: taken.append(error) or True)
    await outcome(ctx, failing(refusal))
    assert [type(error).__mro__[1] for error in taken] == [type(refusal)]
    assert taken[0].claims == refusal.claims


@pytest.mark.parametrize("refusal", [missing_consent(""), Unavailable()])
async def test_nothing_else_is_taken_to_the_door(refusal):
    taken = []
    ctx = context(refuse=lambda error: taken.append(error) or True)
    assert await outcome(ctx, failing(refusal)) == "words"
    assert taken == []


async def test_where_the_door_takes_nothing_the_model_gets_the_words():
    refused = context(refuse=lambda error: False)
    assert await outcome(refused, failing(InteractionRequired())) == "words"
    assert await outcome(context(), failing(InteractionRequired())) == "words"
    in_memory = context()
    in_memory.request = None
    assert await outcome(in_memory, failing(InteractionRequired())) == "words"


async def test_a_call_that_failed_for_another_reason_is_left_alone():
    taken = []
    ctx = context(refuse=lambda error: taken.append(error) or True)
    for refusal in (InteractionRequired(), missing_consent()):
        assert await outcome(ctx, failing(refusal, words="the disk is full")) == "words"
    assert taken == []


async def test_a_call_that_got_over_its_refusal_is_left_alone():
    taken = []

    async def call(ctx):
        tool_error(InteractionRequired())
        return {"content": [{"type": "text", "text": str(InteractionRequired())}]}

    ctx = context(refuse=lambda error: taken.append(error) or True)
    assert await outcome(ctx, call) == "served"
    assert taken == []


def crashing(refusal, *, in_a_task, words="Error executing tool x"):
    """A call that is refused, here or in a task of its own, and fails as the SDK tells crashes."""

    async def told():
        tool_error(refusal)

    async def call(ctx):
        await (asyncio.create_task(told()) if in_a_task else told())
        return {"isError": True, "content": [{"type": "text", "text": words}], "_meta": STAMP}

    return call


async def test_a_crash_after_a_refusal_in_a_task_of_the_tools_own_is_that_refusal():
    taken = []
    ctx = context(refuse=lambda error: taken.append(error) or True, name="x")
    await outcome(ctx, crashing(InteractionRequired(claims="{}"), in_a_task=True))
    assert [error.claims for error in taken] == ["{}"]
    link = crashing(missing_consent(), in_a_task=True)
    assert await outcome(context(name="x"), link) == "question"
    result = await refusals(to_unknown_clients=False)(context(name="x", declared={}), link)
    words = result["content"][0]["text"]
    assert words.startswith("Error executing tool x: ")
    assert URL in words
    assert result["_meta"] == STAMP


@pytest.mark.parametrize(
    "call",
    [
        crashing(missing_consent(), in_a_task=False),
        crashing(missing_consent(), in_a_task=True, words="Error executing tool x: disk full"),
        crashing(missing_consent(), in_a_task=True, words="Error executing tool y"),
    ],
    ids=["here", "words of its own", "another tool"],
)
async def test_any_other_crash_is_left_alone(call):
    result = await refusals(to_unknown_clients=False)(context(name="x"), call)
    assert "agree" not in json.dumps(result)


async def test_a_call_that_is_served_after_a_refusal_in_a_task_is_left_alone():
    async def call(ctx):
        await crashing(missing_consent(), in_a_task=True)(ctx)
        return {"content": [{"type": "text", "text": "Error executing tool x"}]}

    assert await outcome(context(name="x"), call) == "served"


async def test_a_refusal_told_in_a_thread_is_known_there_too():
    async def call(ctx):
        shown = await asyncio.to_thread(tool_error, missing_consent())
        return {"isError": True, "content": [{"type": "text", "text": f"sorry: {shown}"}]}

    assert await outcome(context(), call) == "question"


@pytest.mark.parametrize("deep", [False, True])
async def test_a_low_level_handlers_group_of_refusals_is_the_first_of_them(deep):
    async def call(ctx):
        group = ExceptionGroup("g", [missing_consent(), InteractionRequired()])
        raise ExceptionGroup("outer", [group]) if deep else group

    assert await outcome(context(), call) == "question"


async def test_a_group_with_a_crash_in_it_passes_untouched():
    async def call(ctx):
        crash = ExceptionGroup("inner", [RuntimeError("of its own")])
        raise ExceptionGroup("outer", [missing_consent(), crash])

    with pytest.raises(ExceptionGroup, match="outer"):
        await refusals(to_unknown_clients=True)(context(), call)


async def test_refusals_of_an_earlier_call_are_forgotten():
    taken = []
    ctx = context(refuse=lambda error: taken.append(error) or True)
    await outcome(ctx, failing(InteractionRequired()))

    async def call(ctx):
        return {"isError": True, "content": [{"type": "text", "text": str(InteractionRequired())}]}

    assert await outcome(ctx, call) == "words"
    assert len(taken) == 1
    assert TOLD.get() is None


async def test_what_a_low_level_handler_raises_becomes_a_tool_error_or_a_question():
    async def call(ctx):
        raise missing_consent()

    assert await outcome(context(), call) == "question"
    result = await refusals(to_unknown_clients=False)(context(declared={}), call)
    assert result["isError"] is True
    assert result["resultType"] == "complete"
    assert URL in result["content"][0]["text"]
    result = await refusals(to_unknown_clients=False)(context(LEGACY, declared={}), call)
    assert result["isError"] is True
    assert "resultType" not in result


async def test_other_messages_pass_untouched():
    async def call(ctx):
        raise ConsentRequired

    with pytest.raises(ConsentRequired) as raised:
        await refusals(to_unknown_clients=True)(context(method="prompts/get"), call)
    assert str(raised.value) == ConsentRequired.public


async def test_a_crash_of_the_tool_passes_untouched():
    async def call(ctx):
        tool_error(InteractionRequired())
        raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        await refusals(to_unknown_clients=True)(context(), call)
