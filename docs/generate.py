"""Writes the generated blocks of the docs: `make docs`; with `--check` only compares them.

A block stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

import obo_mcp.errors
from obo_graph.settings import GraphSettings
from obo_mcp.exchange import aadsts
from obo_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BLOCK = re.compile(r"(<!-- begin: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)


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


def _row(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    default = "required" if field.is_required() else f"`{field.get_default()!r}`"
    return f"| [`OBO_MCP_{name.upper()}`](#obo_mcp_{name}) | {default} |"


GENERATORS: dict[str, Callable[[], str]] = {
    "aadsts-table": aadsts_table,
    "errors-tree": errors_tree,
    "promises-table": promises_table,
    "settings-table": settings_table,
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
