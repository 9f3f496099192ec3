"""Writes the generated blocks of the docs: `make docs`; with `--check` only compares them.

A block stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`. The examples of the tools
come from tool-examples.json, which record_examples.py beside this file writes.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Resolve
from mcp.types import Tool, ToolAnnotations
from pydantic import BaseModel

import obo_mcp.errors
from obo_graph.catalogue import BY_NAME, ENTRIES, Entry
from obo_graph.server import create_server
from obo_graph.settings import GraphSettings
from obo_graph.wire.graph import Graph
from obo_graph.wire.transport import GraphTransport, new_http_client
from obo_mcp.clock import SystemClock
from obo_mcp.exchange import aadsts
from obo_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BLOCK = re.compile(r"(<!-- begin: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
EXAMPLES = ROOT / "docs" / "reference" / "tool-examples.json"


def errors_tree() -> str:
    """The error tree as errors.py draws it."""
    text = (obo_mcp.errors.__doc__ or "").strip()
    tree = text[text.index("OboError") : text.index("`code` and `status`")].strip()
    return f"```text\n{tree}\n```\n"


def promises_table() -> str:
    """The promise manifest."""
    from promises import PROMISES  # noqa: PLC0415 - lives with the tests that keep it

    rows = [f"| {key} | {p.text} | {p.figure} |" for key, p in PROMISES.items()]
    return "\n".join(["| | we promise | figure |", "|---|---|---|", *rows]) + "\n"


def settings_table() -> str:
    """Every setting with its default."""
    rows = ["| setting | default |", "|---|---|"]
    for model in (Settings, GraphSettings):
        rows += [_row(model, name) for name in model.model_fields]
    return "\n".join(rows) + "\n"


def aadsts_table() -> str:
    """Every AADSTS number we know, in the table's own order."""
    rows = [
        f"| {', '.join(map(str, codes))} | [{meaning.leaf.__name__}](errors.md#"
        f"{meaning.leaf.__name__.lower()}) | {meaning.cure} |"
        for codes, meaning in aadsts.groups()
    ]
    return "\n".join(["| AADSTS | error | cure |", "|---|---|---|", *rows]) + "\n"


def tools_table() -> str:
    """Groups and tiers; in italics what changes something."""
    tiers = ("core", "write", "extra")
    rows = [f"| | {' | '.join(tiers)} |", "|---|---|---|---|"]
    for group in dict.fromkeys(entry.group for entry in ENTRIES):
        members = [entry for entry in ENTRIES if entry.group == group]
        cells = [", ".join(_link(e) for e in members if e.tier == tier) for tier in tiers]
        rows.append(f"| **{group}** | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def permissions_table() -> str:
    """Every delegated permission with the tools that ask for it."""
    scopes = sorted({scope for entry in ENTRIES for scope in (*entry.scopes, *entry.optional)})
    rows = ["| permission | needed by | better with it |", "|---|---|---|"]
    for scope in scopes:
        needed = ", ".join(_link(entry) for entry in ENTRIES if scope in entry.scopes)
        better = ", ".join(_link(entry) for entry in ENTRIES if scope in entry.optional)
        rows.append(f"| `{scope}` | {needed} | {better} |")
    return "\n".join(rows) + "\n"


def tools() -> str:
    """A section for each tool: what `tools/list` says of it, what it needs, an example."""
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return "\n".join(_section(tool, examples[tool.name]) for tool in all_tools())


def all_tools() -> list[Tool]:
    """What `tools/list` answers where every tool is on."""
    settings = GraphSettings(tools=("core", "write", "extra", "graph"), read_only=False)
    graph = Graph(
        transport=GraphTransport(settings.graph_url),
        clock=SystemClock(),
        correlation_id=str,
        download_hosts=settings.download_hosts,
        upload_hosts=settings.upload_hosts,
    )
    server = create_server(
        _Nobody(), graph, settings, lambda: new_http_client(ssl.create_default_context())
    )
    return asyncio.run(server.list_tools())


class _Nobody:
    """In place of OnBehalfOf: these tools are shown, never called."""

    def token_source(self, _scope: str) -> Resolve:
        return Resolve(_nothing)

    def principal(self) -> Resolve:
        return Resolve(_nothing)


async def _nothing() -> None:
    """Never asked for: a tool that is shown resolves no parameter."""


def _section(tool: Tool, example: dict[str, Any]) -> str:
    entry = BY_NAME[tool.name]
    result = json.dumps(example["result"], indent=2, ensure_ascii=False)
    lines = [
        f"### {tool.name}",
        f"**{tool.title}.** {_cell(tool.description or '')}",
        "",
        f"- Group `{entry.group}`, tier `{entry.tier}`. {_switch(entry)}",
        f"- {_annotated(tool.annotations or ToolAnnotations())}",
        f"- {_permissions(entry)}",
        "",
        *_arguments(tool.input_schema),
        f"`{json.dumps(example['arguments'], ensure_ascii=False)}` answers:",
        "",
        f"```json\n{result}\n```",
    ]
    return "\n".join(lines) + "\n"


def _link(entry: Entry) -> str:
    link = f"[{entry.name}](#{entry.name})"
    return f"*{link}*" if entry.writes else link


def _switch(entry: Entry) -> str:
    if entry.on_request:
        return f"Off by default: `OBO_MCP_TOOLS` must name it or its group `{entry.group}`."
    if entry.writes:
        return "Off by default: on with `OBO_MCP_READ_ONLY=false`."
    return "On by default."


def _annotated(hints: ToolAnnotations) -> str:
    if hints.read_only_hint:
        strangers = " Strangers may have written what it reads." if hints.open_world_hint else ""
        return f"Only reads.{strangers}"
    seen = ", and others notice" if hints.open_world_hint else ""
    harm = " It may destroy something, or cannot be taken back." if hints.destructive_hint else ""
    again = "changes nothing more" if hints.idempotent_hint else "may do it again"
    return f"Changes something{seen}.{harm} The same call again {again}."


def _permissions(entry: Entry) -> str:
    if not entry.scopes:
        return "Permissions: whatever was consented to; it asks for none of its own."
    needed = f"Permissions: {_listed(entry.scopes)}."
    return f"{needed} Better with {_listed(entry.optional)}." if entry.optional else needed


def _arguments(schema: dict[str, Any]) -> list[str]:
    properties = schema["properties"]
    if not properties:
        return ["No arguments.", ""]
    rows = ["| argument | type | default | bounds | |", "|---|---|---|---|---|"]
    for name, part in properties.items():
        default = json.dumps(part["default"], ensure_ascii=False) if "default" in part else ""
        shown = f"`{default}`" if default else "required"
        description = _cell(part.get("description", ""))
        rows.append(f"| `{name}` | {_type(part)} | {shown} | {_bounds(part)} | {description} |")
    return [*rows, ""]


def _type(part: dict[str, Any]) -> str:
    if part["type"] == "array":
        return f"list of {_type(part['items'])}"
    return _listed(part["enum"]) if "enum" in part else str(part["type"])


def _bounds(part: dict[str, Any]) -> str:
    said = [_span(part, "minimum", "maximum", "")]
    said.append(_span(part, "minLength", "maxLength", " characters"))
    said.append(_span(part, "minItems", "maxItems", " entries"))
    inner = _bounds(part["items"]) if "items" in part else ""
    return ", ".join([*filter(None, said), *([f"each {inner}"] if inner else [])])


def _span(part: dict[str, Any], least: str, most: str, unit: str) -> str:
    if most not in part:
        return ""
    lowest = part.get(least, 0)
    return f"{lowest:,} to {part[most]:,}{unit}" if lowest else f"up to {part[most]:,}{unit}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """`text` so that no renderer takes a part of it for markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _row(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    default = "required" if field.is_required() else f"`{field.get_default()!r}`"
    return f"| [`OBO_MCP_{name.upper()}`](#obo_mcp_{name}) | {default} |"


GENERATORS: dict[str, Callable[[], str]] = {
    "aadsts-table": aadsts_table,
    "errors-tree": errors_tree,
    "permissions-table": permissions_table,
    "promises-table": promises_table,
    "settings-table": settings_table,
    "tools": tools,
    "tools-table": tools_table,
}


def rendered(text: str) -> str:
    """`text` with every block made anew."""
    return BLOCK.sub(lambda block: block[1] + GENERATORS[block[2]]() + block[3], text)


def main(arguments: list[str]) -> int:
    """Write the blocks; with `--check`, exit code 1 names the files that are out of date."""
    stale = []
    for path in sorted((ROOT / "docs").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (fresh := rendered(text)) != text:
            stale.append(path.relative_to(ROOT))
            if "--check" not in arguments:
                path.write_text(fresh, encoding="utf-8")
    told = "differ; run make docs" if "--check" in arguments else "written"
    for path in stale:
        print(f"{path}: generated blocks {told}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
