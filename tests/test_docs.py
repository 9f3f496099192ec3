"""Documentation as a tested interface: what it says exists, what it shows runs."""

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from obo_graph.catalogue import BY_NAME
from obo_graph.settings import GraphSettings
from support.canary import ADDRESS, canaries

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FENCE = re.compile(r"^(?P<indent>\s*)(?P<ticks>`{3,}|~{3,})\s*(?P<info>[^`]*)$")
LINK = re.compile(
    r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE
)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")


class Block(NamedTuple):
    page: Path
    line: int  # of the first line inside the fence
    info: tuple[str, ...]
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def split_page(page: Path) -> tuple[str, list[Block]]:
    """The page's prose without its fenced blocks, and the blocks."""
    prose: list[str] = []
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if opening is None:
            opening = FENCE.match(line)
            inside = []
            prose += [] if opening else [line]
        elif line.strip() == opening["ticks"]:
            info, code = tuple(opening["info"].split()), textwrap.dedent("\n".join(inside))
            blocks.append(Block(page, number - len(inside), info, code))
            opening = None
        else:
            inside.append(line)
    assert opening is None, f"{page.relative_to(ROOT)}: a fenced block is never closed"
    return "\n".join(prose), blocks


def blocks_of(*languages: str) -> list[Block]:
    found = [block for page in PAGES for block in split_page(page)[1]]
    return [block for block in found if block.info and block.info[0] in languages]


def headings(page: Path) -> list[tuple[int, str]]:
    found = HEADING.findall(split_page(page)[0])
    return [(len(marks), text.replace("`", "")) for marks, text in found]


def reference(name: str) -> Path:
    page = ROOT / "docs" / name
    assert page.is_file(), f"docs/{name} does not exist yet"
    return page


# --- links ---------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors as the usual renderers make them from headings, and explicit ones."""
    seen: Counter[str] = Counter()
    found = set(ANCHOR.findall(page.read_text("utf-8")))
    for _, text in headings(page):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def fault_of_link(page: Path, target: str) -> str:
    path, _, anchor = unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT) or not file.exists():
        return "no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return "no such heading"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    prose = re.sub(r"`[^`\n]*`", "", split_page(page)[0])
    targets = [first or second for first, second in LINK.findall(prose)]
    relative = [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]
    broken = [f"{target}: {fault}" for target in relative if (fault := fault_of_link(page, target))]
    assert not broken, f"{page.relative_to(ROOT)} has broken links:\n  " + "\n  ".join(broken)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("LICENSE", ""),
        ("CONTRIBUTING.md#the-test-bar", ""),
        ("CONTRIBUTING.md#no-such-thing", "no such heading"),
        ("nowhere.md", "no such file"),
        ("../outside.md", "no such file"),
    ],
)
def test_a_broken_link_is_seen(target, fault):
    assert fault_of_link(ROOT / "README.md", target) == fault


# --- code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", blocks_of("python", "py"), ids=str)
def test_every_python_block_compiles(block):
    padding = "\n" * (block.line - 1)  # so that an error names the page's own line
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(
        padding + block.code, str(block.page.relative_to(ROOT)), "exec", flags, dont_inherit=True
    )


READERS_SETTINGS = {
    "OBO_MCP_TENANT_ID": "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10",
    "OBO_MCP_CLIENT_ID": "50b657df-1e45-4644-a8e1-412cad13af6d",
    "OBO_MCP_CLIENT_SECRET": "of-a-reader",
    "OBO_MCP_RESOURCE_URL": "https://mcp.example/mcp",
    "OBO_MCP_REQUIRED_SCOPE": "mcp.access",
}


@pytest.mark.parametrize(
    "page",
    sorted({block.page for block in blocks_of("python")}),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path):
    code = "\n".join(block.code for block in blocks_of("python") if block.page == page)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | READERS_SETTINGS,
    )  # fmt: skip
    assert done.returncode == 0, f"{page} ended with {done.returncode}:\n{done.stderr}"


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command in a console or shell block, without its environment."""
    for line in block.code.replace("\\\n", " ").splitlines():
        if block.info[0] == "console" and not line.startswith("$ "):
            continue  # what the command printed
        for part in re.split(r"&&|\|\|?|;", line.removeprefix("$ ").partition(" #")[0]):
            words = part.split()
            while words and re.match(r"\w+=", words[0]):
                words.pop(0)
            if words and not words[0].startswith("#"):
                yield words


SHELL_BLOCKS = blocks_of("console", "bash", "sh", "shell")


def shown_words_after(program: str) -> Iterator[tuple[Block, str]]:
    """The first word after `program`, options left out, wherever the docs call it."""
    for block in SHELL_BLOCKS:
        for words in commands(block):
            plain = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            if words[0].rpartition("/")[2] == program and plain:
                yield block, plain[0]


def test_every_make_verb_that_the_docs_show_exists():
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))
    unknown = [
        f"{block}: make {word}" for block, word in shown_words_after("make") if word not in targets
    ]
    assert not unknown, f"make has {sorted(targets)}; the docs show\n  " + "\n  ".join(unknown)


def command_line_verbs() -> set[str]:
    main = importlib.import_module("obo_cli.__main__")
    command = importlib.import_module("typer.main").get_command(main.app)
    return set(getattr(command, "commands", {command.name: command}))


def test_every_obo_mcp_verb_that_the_docs_show_exists():
    verbs = command_line_verbs()
    shown = list(shown_words_after("obo-mcp"))
    unknown = [f"{block}: obo-mcp {word}" for block, word in shown if word not in verbs]
    assert not unknown, f"obo-mcp has {sorted(verbs)}; the docs show\n  " + "\n  ".join(unknown)


CHOICE = re.compile(r"\bOBO_MCP_TOOLS=(?P<quote>[\"']?)([^\"'#\n]+?)(?P=quote)(?:\s|$)")


def test_every_choice_of_tools_that_the_docs_show_is_one():
    shown = [found[2] for block in SHELL_BLOCKS for found in CHOICE.finditer(block.code)]
    assert shown
    for choice in shown:
        assert GraphSettings(tools=choice, read_only=False).offered, choice


# --- reference -----------------------------------------------------------------------------------


def settings_fields() -> set[str]:
    library = importlib.import_module("obo_mcp.settings").Settings
    server = importlib.import_module("obo_graph.settings").GraphSettings
    names = set(library.model_fields) | set(server.model_fields)
    return {f"OBO_MCP_{name.upper()}" for name in names}


def test_every_setting_has_its_heading():
    page = reference("reference/settings.md")
    documented = {text for level, text in headings(page) if level == 3}
    missing = sorted(settings_fields() - documented)
    assert not missing, "docs/reference/settings.md lacks: " + ", ".join(
        f"### {m}" for m in missing
    )


def test_no_heading_describes_a_setting_that_is_gone():
    page = reference("reference/settings.md")
    documented = {text for _, text in headings(page) if text.startswith("OBO_MCP_")}
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "servers").rglob("*.py")]
    read = {
        name for path in sources for name in re.findall(r"OBO_MCP_\w+", path.read_text("utf-8"))
    }
    gone = sorted(documented - settings_fields() - read)
    assert not gone, f"docs/reference/settings.md describes settings that nothing reads: {gone}"


def leaf_errors() -> list[str]:
    module = importlib.import_module("obo_mcp.errors")
    ours = [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == module.__name__
    ]
    return [error.__name__ for error in ours if not any(error in other.__bases__ for other in ours)]


def test_every_error_has_its_heading():
    page = reference("reference/errors.md")
    documented = {text.split()[0].strip(":") for _, text in headings(page)}
    missing = sorted(set(leaf_errors()) - documented)
    assert not missing, f"docs/reference/errors.md lacks headings for {missing}"


# --- tools ---------------------------------------------------------------------------------------

EXAMPLES = ROOT / "docs" / "reference" / "tool-examples.json"
RECORDER = ROOT / "docs" / "record_examples.py"
MACHINES = re.compile(r"localhost|\b127\.|/links/(?!…)|/(?:home|root|tmp|Users)/")


def examples() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(EXAMPLES.read_text("utf-8"))
    return found


def test_every_tool_has_its_section_in_the_order_of_the_list():
    page = reference("reference/tools.md")
    assert [text for level, text in headings(page) if level == 3] == list(BY_NAME)


def test_every_section_shows_the_example_that_was_recorded():
    blocks = split_page(reference("reference/tools.md"))[1]
    shown = [json.loads(block.code) for block in blocks if block.info == ("json",)]
    assert list(examples()) == list(BY_NAME)
    assert shown == [example["result"] for example in examples().values()]


def shape(value: object) -> object:
    """What of a result stays the same whatever is in it."""
    match value:
        case dict():
            return {key: shape(part) for key, part in value.items()}
        case list():
            return [shape(part) for part in value]
        case _:
            return type(value).__name__


def test_every_tool_still_answers_as_its_example_shows():
    spec = importlib.util.spec_from_file_location("record_examples", RECORDER)
    recorder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recorder)
    today, recorded = recorder.recorded(), examples()
    stale = [
        tool
        for tool in today
        if today[tool]["arguments"] != recorded[tool]["arguments"]
        or shape(today[tool]["result"]) != shape(recorded[tool]["result"])
    ]
    assert not stale, f"run docs/record_examples.py, then make docs: {stale} answer otherwise now"


def test_examples_hold_nothing_secret_and_nothing_of_a_machine():
    text = EXAMPLES.read_text("utf-8")
    assert {kind for kind, _ in canaries(text)} <= {ADDRESS}  # of the tenant's own people
    assert not MACHINES.search(text)
    assert not re.search(r"[\w-]{40,}", text), "an id, a cursor or a link is shown whole"


@pytest.mark.parametrize(
    "text",
    ["https://localhost:8443/x", "http://127.0.0.1/", "https://x/links/Abc", f"/{'home'}/me"],
)
def test_a_trace_of_a_machine_is_seen(text):
    assert MACHINES.search(f"{text}/")


# --- promises ------------------------------------------------------------------------------------


def promises() -> dict[str, object]:
    assert (ROOT / "tests" / "promises.py").is_file(), "tests/promises.py does not exist yet"
    manifest: dict[str, object] = importlib.import_module("promises").PROMISES
    assert manifest, "tests/promises.py promises nothing"
    return manifest


def marks() -> Iterator[tuple[str, str]]:
    """Where, and which id: every `pytest.mark.promise(...)` below tests/."""
    for path in sorted(
        path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts
    ):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                ids = [a.value for a in node.args if isinstance(a, ast.Constant)]
                assert len(ids) == len(node.args) > 0, f"{where}: name promises by literal ids"
                yield from ((where, str(promised)) for promised in ids)


def test_every_promise_is_kept_by_a_test():
    tested = {promised for _, promised in marks()}
    untested = [
        f"{key}: {promise.text}" for key, promise in promises().items() if key not in tested
    ]
    assert not untested, "no test carries the mark of\n  " + "\n  ".join(untested)


def test_no_test_keeps_a_promise_that_was_never_given():
    known = promises()
    unknown = [f"{where} {promised}" for where, promised in marks() if promised not in known]
    assert not unknown, "not in tests/promises.py:\n  " + "\n  ".join(unknown)


def words_of(text: str) -> str:
    return " ".join(text.replace("\\|", "|").split())


def sections(page: Path) -> dict[str, str]:
    """For each id on the page, everything that stands between it and the next id."""
    found: dict[str, str] = {}
    parts = re.split(r"\b(P-\d+)\b", page.read_text("utf-8"))
    for key, text in zip(parts[1::2], parts[2::2], strict=True):
        found[key] = f"{found.get(key, '')} {words_of(text)}"
    return found


def test_every_promise_is_published_word_for_word():
    published = sections(reference("explanation/promises.md"))
    faults = [
        f"{key}: not given in tests/promises.py" for key in published.keys() - promises().keys()
    ]
    faults += [
        f"{key}: its {part} is not there: {getattr(promise, part)}"
        for key, promise in promises().items()
        for part in ("text", "figure")
        if words_of(getattr(promise, part)) not in published.get(key, "")
    ]
    assert not faults, "docs/explanation/promises.md:\n  " + "\n  ".join(sorted(faults))
