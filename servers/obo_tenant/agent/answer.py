"""The items of a response's output, in the shapes of Foundry's Responses API."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent

from obo_tenant.agent.planner import Step
from obo_tenant.plain_json import read_json, writable

Item = dict[str, Any]
SERVER_LABEL = "graph"
_LONGEST_TEXT = 100_000
_LABELS = ("subject", "title", "name", "display_name", "displayName")
_NOTHING_TO_DO = (
    "Ask for your mail, your calendar, your files or who you are; or send a tool call as JSON: "
    '{"tool": "name", "arguments": {}}.'
)


def new_id(prefix: str) -> str:
    """An unguessable identifier, `prefix` first."""
    return f"{prefix}_{secrets.token_hex(16)}"


def consent_request(link: str) -> Item:
    """Asks the person to open `link` and then to send a new response (AF:mcp-authentication)."""
    return {
        "type": "oauth_consent_request",
        "id": new_id("oauthreq"),
        "consent_link": link,
        "server_label": SERVER_LABEL,
    }


def error(code: str, words: str) -> Item:
    """Says what stopped the turn."""
    return {"type": "error", "code": writable(code), "message": writable(words)}


def not_listed(tool: str, listed: Iterable[str]) -> Item:
    """Says that the server offers no such tool, and which ones it does offer."""
    offered = ", ".join(sorted(listed)) or "none"
    return error("tool_not_listed", f"The server lists no tool {tool!r}. It lists: {offered}.")


def listed(names: Sequence[str]) -> Item:
    """The names of the tools that the server listed for this person."""
    return {
        "type": "mcp_list_tools",
        "id": new_id("mcpl"),
        "server_label": SERVER_LABEL,
        "tools": writable(list(names)),
    }


def called(step: Step, text: str, structured: Any, *, is_error: bool, spent: int) -> Item:
    """One tool call: its arguments, its output, and its length in milliseconds."""
    return {
        "type": "mcp_call",
        "id": new_id("mcp"),
        "server_label": SERVER_LABEL,
        "name": step.tool,
        "arguments": dict(step.arguments),
        "output": text[:_LONGEST_TEXT],
        "structured": structured,
        "is_error": is_error,
        "milliseconds": spent,
    }


def message(output: Sequence[Mapping[str, Any]]) -> Item:
    """What the agent says, composed from the calls made so far."""
    said = [_sentence(item) for item in output if item["type"] == "mcp_call"]
    text = "\n\n".join(said) or _NOTHING_TO_DO
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "id": new_id("msg"), "role": "assistant", "content": content}


def text_of(result: CallToolResult) -> str:
    """The text blocks of a result; a block of another kind is named, not shown."""
    blocks = (
        block.text if isinstance(block, TextContent) else f"[{block.type}]"
        for block in result.content
    )
    return str(writable("\n".join(blocks)))


def structured_of(result: CallToolResult) -> Any:
    """The structured content, or what the text says when it is JSON, or None."""
    if result.structured_content is not None:
        return writable(result.structured_content)
    try:
        return writable(read_json(text_of(result)))
    except ValueError:
        return None


def protocol_error(words: str, data: Any) -> str:
    """A JSON-RPC error's words, with the links of a URL elicitation (2025-11-25, -32042)."""
    wishes = data.get("elicitations", []) if isinstance(data, dict) else []
    links = [str(wish["url"]) for wish in wishes if isinstance(wish, dict) and "url" in wish]
    return str(writable(" ".join([words, *links])))


def _sentence(item: Mapping[str, Any]) -> str:
    name, text = item["name"], item["output"]
    if item["is_error"]:
        return f"{name} could not do it: {text}"
    labels = _labels(item["structured"])
    return text if labels is None else f"{name} found {len(labels)}: {'; '.join(labels) or '-'}"


def _labels(found: Any) -> list[str] | None:
    """A title for each hit of a list result; None when the result is not a list of objects."""
    hits = found.get("items") if isinstance(found, dict) else None
    if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
        return None
    return [_label(hit) for hit in hits]


def _label(hit: Mapping[str, Any]) -> str:
    return next((str(hit[key]) for key in _LABELS if hit.get(key)), "(untitled)")
