"""One line in the log for each message, which client speaks which protocol; one for a failed tool.

Nobody has written down which protocol generation, headers and names agents really use; this is
how an operator finds out. Everything in it but the correlation id is the client's own claim.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from pydantic import BaseModel

from obo_mcp.observe import record

_LOG = logging.getLogger("obo_graph.callers")
_MAX_CHARS = 120
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_TOKEN_LIKE = re.compile(r"eyJ[\w\-.]+|[\w\-]{40,}")
_CLIENT_INFO = "io.modelcontextprotocol/clientInfo"


def log_callers(correlation_id: Callable[[], str]) -> ServerMiddleware[Any]:
    """A middleware that writes the line and changes nothing."""

    async def log_caller(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if _LOG.isEnabledFor(logging.INFO):
            record("mcp_message", to=_LOG, fields=_line(ctx, correlation_id()))
        result = await call_next(ctx)
        failed = _failure(ctx, result)
        if failed:
            fields = failed | {"correlation_id": plain(correlation_id())}
            record("tool_failed", to=_LOG, fields=fields)
        return result

    return log_caller


def plain(value: object) -> str:
    """A client's word as printable ASCII, short, without anything that looks like a token."""
    words = _UNPRINTABLE.sub("?", str(value)[: 2 * _MAX_CHARS])
    return _TOKEN_LIKE.sub("<hidden>", words)[:_MAX_CHARS]


def _failure(ctx: ServerRequestContext[Any, Any], result: HandlerResult) -> dict[str, str]:
    """Tool, codes and Graph's request id of a failed call, but none of its words; {} for others."""
    if ctx.method != "tools/call":
        return {}
    answer = result.model_dump(by_alias=True) if isinstance(result, BaseModel) else result
    if not answer or answer.get("isError") is not True:
        return {}
    told = _told(answer)
    tool = ctx.params.get("name") if isinstance(ctx.params, Mapping) else None
    named = {
        "tool": tool,
        "code": told.get("error") or "unexplained",
        "graph_code": told.get("code"),
        "request_id": told.get("request_id"),
    }
    return {key: plain(value) for key, value in named.items() if value}


def _told(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = answer["content"][0]["text"]
        told = json.loads(text[text.index("{") :])
    except (ValueError, RecursionError, LookupError, TypeError):
        return {}
    return told if isinstance(told, Mapping) else {}


def _line(ctx: ServerRequestContext[Any, Any], correlation_id: str) -> dict[str, str]:
    line = {"correlation_id": correlation_id, **_claims(ctx)}
    return {key: plain(value) for key, value in line.items() if value}


def _claims(ctx: ServerRequestContext[Any, Any]) -> dict[str, Any]:
    params = ctx.params if isinstance(ctx.params, Mapping) else {}
    headers = getattr(ctx.request, "headers", None) or {}
    client = _client_info(params)
    return {
        "protocol": ctx.protocol_version,
        "method": ctx.method,
        "tool": params.get("name") if ctx.method == "tools/call" else None,
        "client": client.get("name"),
        "client_version": client.get("version"),
        "accept": headers.get("accept"),
        "user_agent": headers.get("user-agent"),
    }


def _client_info(params: Mapping[str, Any]) -> Mapping[str, Any]:
    # 2026-07-28 sends it with every message, earlier protocols with initialize alone.
    # A tracing SDK writes `_meta` into messages of any protocol.
    meta = params.get("_meta")
    info = meta.get(_CLIENT_INFO) if isinstance(meta, Mapping) else None
    info = info or params.get("clientInfo")
    return info if isinstance(info, Mapping) else {}
