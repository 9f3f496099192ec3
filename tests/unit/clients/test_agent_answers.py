"""What a foreign server says must fit into an answer, whatever it is."""

import base64
import json

import httpx2
import pytest
from mcp_types import CallToolResult, TextContent
from starlette.responses import JSONResponse

from obo_tenant.agent import answer
from obo_tenant.agent.person import claims_unverified
from obo_tenant.agent.planner import BadRequest, Step, spelled_out
from obo_tenant.agent.refusal import Listener
from obo_tenant.plain_json import read_json, writable

DEEP = '{"a":' * 40_000
ODD = ["NaN", "[Infinity]", "1e999", '"\\ud800"', '{"\\ud800": 1}', "[" * 40_000]


def said(text):
    return CallToolResult(content=[TextContent(type="text", text=text)])


def rendered(item):
    return json.loads(JSONResponse(item).body)


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_tools_text_that_is_almost_json_is_only_text(text):
    result = said(text)
    structured = answer.structured_of(result)
    step = Step(tool="odd", arguments={})
    item = answer.called(step, answer.text_of(result), structured, is_error=False, spent=1)
    assert rendered(item)["structured"] is None
    assert rendered(item)["output"] == text


def test_structured_content_that_json_cannot_carry_is_made_harmless():
    result = CallToolResult(content=[], structured_content={"a": [float("nan"), 1.5], "b": "x"})
    assert rendered(answer.structured_of(result)) == {"a": [None, 1.5], "b": "x"}


def test_half_a_surrogate_pair_never_reaches_an_answer():
    half = "a\ud800b"
    items = [
        answer.listed([half]),
        answer.error(half, half),
        answer.not_listed("x", [half]),
        {"text": answer.protocol_error(half, {"elicitations": [{"url": half}]})},
        writable({half: [half, {"deep": half}]}),
    ]
    for item in items:
        assert "a?b" in json.dumps(rendered(item))


def test_what_lies_too_deep_is_left_out():
    value = []
    for _ in range(5000):
        value = [value]
    assert rendered(writable(value))


@pytest.mark.parametrize("text", [*ODD, DEEP, "", "{"])
def test_json_that_cannot_be_written_again_is_not_read(text):
    with pytest.raises(ValueError, match="no JSON"):
        read_json(text)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", '"\\udfff"'])
def test_a_spelled_out_call_with_arguments_nobody_can_send_is_refused(number):
    with pytest.raises(BadRequest):
        spelled_out(f'{{"tool": "x", "arguments": {{"a": {number}}}}}')


def test_an_access_token_with_bottomless_claims_is_no_token():
    payload = base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=")
    with pytest.raises(ValueError, match="cannot be read"):
        claims_unverified(f"e30.{payload}.x")


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        ('Bearer error="invalid_token"', "invalid_token"),
        ("Bearer " + "a" * 60_000 + ' error="invalid_token"', "unauthorized"),
        ('Bearer x.error="invalid_token"', "invalid_token"),
    ],
    ids=["short", "endless", "joined"],
)
async def test_only_the_beginning_of_a_challenge_is_read(challenge, code):
    request = httpx2.Request("POST", "http://127.0.0.1/mcp")
    headers = {"WWW-Authenticate": challenge}
    listener = Listener()
    await listener.hear(httpx2.Response(401, headers=headers, request=request))
    assert listener.last.code == code


async def test_a_refusal_with_a_bottomless_body_is_still_a_refusal():
    request = httpx2.Request("POST", "http://127.0.0.1/mcp")
    listener = Listener()
    await listener.hear(httpx2.Response(503, content=b"[" * 40_000, request=request))
    assert listener.last.code == "unavailable"
