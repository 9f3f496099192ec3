"""What an MCP client hears of a refusal inside a tool: whoever can act on it, in their own form.

A step-up goes to the client as an HTTP challenge, a missing consent to the person as a link, where
the wire and the client know how; all else is a tool error, which a model reads. The forms: MCP
2026-07-28, "Elicitation" and "Multi round-trip requests"; MCP 2025-11-25, "URL elicitation
required" (-32042, which the later wire forbids).
"""

import hashlib
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from mcp import UrlElicitationRequiredError
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestURLParams,
    InputRequiredResult,
    TextContent,
)
from mcp_types.methods import serialize_server_result
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from obo_mcp.adapters.mcp_sdk import TOLD, Told, challenged, tool_error
from obo_mcp.errors import ConsentRequired, OboError

_CALL = "tools/call"
_CRASH = "Error executing tool "
_KNOWS_THE_ERROR = "2025-11-25"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_QUESTION = "obo-mcp-consent-"
_ASK = "To do this, the server needs your permission. Open the page and agree, then come back."

_Context = ServerRequestContext[Any, Any]


def refusals(*, to_unknown_clients: bool) -> ServerMiddleware[Any]:
    """A server middleware that gives each refusal of a tool call its form.

    A refusal that the tool caught and got over changes nothing: only a call that failed with its
    words is meant, or that crashed after a refusal in a task of the tool's own, for so fails a
    task group. `to_unknown_clients` lets the 2025-11-25 error go to a client whose abilities
    are unknown, as they are without a session.
    """

    async def translate(ctx: _Context, call_next: CallNext) -> HandlerResult:
        if ctx.method != _CALL:
            return await call_next(ctx)
        told = Told()
        before = TOLD.set(told)
        try:
            result = await call_next(ctx)
        except (OboError, ExceptionGroup) as error:  # so the low-level server's handlers fail
            if (raised := _refusal_in(error)) is None:
                raise
            result = _failed(ctx, str(told.note(tool_error(raised))))
        finally:
            TOLD.reset(before)
        refusal = _reason(result, told.refusals)
        if refusal is None and told.in_a_task is not None and _is_crash(ctx, result):
            refusal = told.in_a_task
            result = _failed(ctx, f"{_CRASH}{_tool(ctx)}: {refusal}") | _stamp(result)
        if refusal is None or challenged(ctx.request, refusal):
            return result
        if isinstance(refusal, ConsentRequired) and _may_be_opened(refusal.consent_url):
            return _asking(ctx, refusal, result, to_unknown_clients=to_unknown_clients)
        return result

    return translate


def _refusal_in(error: OboError | ExceptionGroup[Exception]) -> OboError | None:
    """The refusal that `error` is, or the first in a group of nothing else."""
    if isinstance(error, OboError):
        return error
    inner, others = error.exceptions[0], error.split(OboError)[1]
    if others is None and isinstance(inner, OboError | ExceptionGroup):
        return _refusal_in(inner)
    return None


def _reason(result: HandlerResult, told: list[OboError]) -> OboError | None:
    """The refusal whose words a failed call's result has; None if it failed for another reason."""
    words = _words_of_failure(result)
    return next((each for each in reversed(told) if words and str(each) in words), None)


def _is_crash(ctx: _Context, result: HandlerResult) -> bool:
    """Whether all that the SDK tells of the failure is the tool's name."""
    return _words_of_failure(result) == f"{_CRASH}{_tool(ctx)}"


def _tool(ctx: _Context) -> str:
    return str((ctx.params or {}).get("name"))


def _words_of_failure(result: HandlerResult) -> str:
    if not isinstance(result, dict) or result.get("isError") is not True:
        return ""
    return "\n".join(str(block.get("text")) for block in result["content"])


def _stamp(result: HandlerResult) -> dict[str, Any]:
    """The name of the server, as the SDK has put it on `result`."""
    stamp = result.get("_meta") if isinstance(result, dict) else None
    return {"_meta": stamp} if stamp else {}


def _failed(ctx: _Context, words: str) -> dict[str, Any]:
    text = TextContent(type="text", text=words)
    return _wire(ctx, CallToolResult(content=[text], is_error=True))


def _asking(
    ctx: _Context, refusal: ConsentRequired, result: HandlerResult, *, to_unknown_clients: bool
) -> HandlerResult:
    """Ask the person to agree, in the form that this wire has; `result` if there is none."""
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    able = elicitation is not None and elicitation.url is not None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        question = _QUESTION + hashlib.sha256(refusal.consent_url.encode()).hexdigest()[:16]
        if able and _may_be_asked(ctx, question):
            return _question(ctx, question, refusal.consent_url, result)
    elif ctx.protocol_version == _KNOWS_THE_ERROR and (
        able or (capabilities is None and to_unknown_clients)
    ):
        link = _link(refusal.consent_url, elicitation_id=str(uuid4()))
        words = str(refusal).partition("\n")[0]
        raise UrlElicitationRequiredError([link], words) from refusal
    return result


def _may_be_asked(ctx: _Context, question: str) -> bool:
    """Whether the question is new, and no other conversation of this call would start over."""
    params = ctx.params or {}
    answered = params.get("inputResponses") or {}
    ours = all(key.startswith(_QUESTION) for key in answered)
    return ours and question not in answered and params.get("requestState") is None


def _question(ctx: _Context, key: str, url: str, result: HandlerResult) -> HandlerResult:
    """The question, with the name of the server that the SDK has put on `result`.

    There is no state to keep: the client repeats the call, and the exchange is tried again. Who
    has answered once is not asked again in the same call: consent then still lacks, and the model
    reads so.
    """
    asked = _wire(ctx, InputRequiredResult(input_requests={key: ElicitRequest(params=_link(url))}))
    return asked | _stamp(result)


def _link(url: str, elicitation_id: str | None = None) -> ElicitRequestURLParams:
    return ElicitRequestURLParams(message=_ASK, url=url, elicitation_id=elicitation_id)


def _wire(ctx: _Context, result: CallToolResult | InputRequiredResult) -> dict[str, Any]:
    dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return serialize_server_result(_CALL, ctx.protocol_version, dumped)


def _may_be_opened(url: str) -> bool:
    """Whether a person may be sent there: https, or their own machine (MCP, "URL mode")."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
