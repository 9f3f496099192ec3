"""Taste, made executable: the rules of the house that no linter knows."""

import ast
import importlib
import io
import re
import statistics
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Where a Secret may be opened, and how often. A new exit is a reviewed change of this table.
REVEAL_SITES = {
    "obo_mcp.values": 3,  # a secret's id, a ring key's length, a Redis address's scheme are checked
    "obo_mcp.inbound.compact": 1,  # the access token is parsed and its signature checked
    "obo_mcp.exchange.grant": 1,  # the user assertion goes to MSAL
    "obo_mcp.exchange.credential": 1,  # so does the client secret
    "obo_mcp.exchange.certificate": 1,  # the password opens the file with the private key
    "obo_mcp.exchange.key_vault": 2,  # what the vault keeps is a secret, or a certificate to open
    "obo_mcp.exchange.downstream": 1,  # whose token came back is read from it
    "obo_mcp.exchange.source": 1,  # the downstream token is handed to a client of its resource
    "obo_mcp.on_behalf_of": 1,  # the downstream token is handed to the tool that asked for it
    "obo_mcp.cache.envelope": 2,  # the assertion goes into the seal's key, the token into the seal
    "obo_mcp.cache.keyring": 1,  # the ring's keys are decoded
    "obo_mcp.cache.redis_client": 1,  # the addresses of Redis are taken apart
}

LONGEST_MODULE = 300
CATALOGUES = {"src/obo_mcp/errors.py": 450}  # read entry by entry, under one tree at the top
LONGEST_FUNCTION = 60
USUAL_FUNCTION = 35
MOST_WAIVERS = 12
MOST_PUBLIC_NAMES = 22

BANNED_WORDS = {"swap", "manager", "handler", "helper", "helpers", "util", "utils", "core"}
BANNED_PAIRS = {("auth", "token"), ("obo", "token"), ("user", "token")}

WAIVER = re.compile(r"\b(noqa|type: ignore|pragma: no cover)\b")
WAIVER_WITH_REASON = re.compile(
    r"(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]|pragma: no cover)"
    r"\W+\w+\W+\w+"  # two words at least
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|Users)/\w|/opt/(?:pypi|wheels)|/tmp/(?:build)")
INDEX_ADDRESS = re.compile(
    r"(?:https?|file)://[^\s\"'<>)]*(?:pypi|pythonhosted|npmjs|debian\.org|/simple\b)",
    re.IGNORECASE,
)


@cache
def program() -> dict[Path, ast.Module]:
    paths = [*(ROOT / "src").rglob("*.py"), *(ROOT / "servers").rglob("*.py")]
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(paths)}


def place(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def none(offences: list[str], rule: str) -> None:
    assert not offences, f"{rule}:\n  " + "\n  ".join(offences)


# --- size --------------------------------------------------------------------------------------


def functions() -> Iterator[tuple[str, int]]:
    for path, tree in program().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                where = f"{place(path, node.lineno)} {node.name}"
                yield where, node.end_lineno - node.lineno + 1


def test_no_module_is_too_long_to_hold_in_mind():
    long = {place(path): len(path.read_text("utf-8").splitlines()) for path in program()}
    offences = [
        f"{where}: {lines} lines"
        for where, lines in long.items()
        if lines > CATALOGUES.get(where, LONGEST_MODULE)
    ]
    none(offences, f"modules have at most {LONGEST_MODULE} lines")


def test_no_function_is_a_form_to_fill_in():
    offences = [
        f"{where}: {lines} lines" for where, lines in functions() if lines > LONGEST_FUNCTION
    ]
    none(offences, f"functions have at most {LONGEST_FUNCTION} lines")


def test_nineteen_of_twenty_functions_fit_on_a_screen():
    ranked = sorted(functions(), key=lambda found: -found[1])
    lengths = [lines for _, lines in ranked]
    p95 = statistics.quantiles(lengths, n=20, method="inclusive")[-1]
    longest = "\n  ".join(f"{where}: {lines}" for where, lines in ranked[:10])
    assert p95 <= USUAL_FUNCTION, f"p95 of function length is {p95}; the longest:\n  {longest}"


# --- signs, rooms and directions ---------------------------------------------------------------


def test_every_package_has_a_sign_on_its_door():
    offences = []
    for path, tree in program().items():
        sign = ast.get_docstring(tree) or ""
        if path.name == "__init__.py" and not ("May import" in sign and "Must" in sign):
            offences.append(f"{place(path)}: say 'May import: ...' and 'Must not know: ...'")
    none(offences, "a package says what it may import and what it must never know")


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in program()} - {ROOT / "src", ROOT / "servers"}
    offences = [place(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    none(sorted(offences), "folders without a door sign")


def test_imports_run_only_the_way_of_the_token():
    lint = Path(sys.executable).with_name("lint-imports")
    assert lint.is_file(), "import-linter is missing: `make check` installs it"
    command = [lint, "--no-cache", "--config", ROOT / "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout), done.stdout


# --- words ---------------------------------------------------------------------------------------


def defined_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that we chose ourselves: what we import or call was named by others."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno


def is_banned(name: str) -> bool:
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    return bool(BANNED_WORDS & set(words) or BANNED_PAIRS & set(pairwise(words)))


@pytest.mark.parametrize("name", ["TokenManager", "user_token", "oboTokenCache", "utils", "_core"])
def test_a_banned_word_is_seen_in_any_casing(name):
    assert is_banned(name)


@pytest.mark.parametrize("name", ["access_token", "contextmanager", "handle", "score", "user"])
def test_a_word_is_not_banned_for_its_letters(name):
    assert not is_banned(name)


def test_there_is_one_word_per_thing():
    offences = [
        f"{place(path, line)} {name}"
        for path, tree in program().items()
        for name, line in [(path.stem, 1), (path.parent.name, 1), *defined_names(tree)]
        if is_banned(name)
    ]
    none(offences, "docs/ and code use the words of the trade, not these")


# --- waivers -------------------------------------------------------------------------------------


def waivers() -> Iterator[tuple[str, str]]:
    for path in program():
        source = io.StringIO(path.read_text("utf-8"))
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT and WAIVER.search(token.string):
                yield place(path, token.start[0]), token.string


def test_every_waiver_names_its_rule_and_its_reason():
    found = [f"{where} {text}" for where, text in waivers() if not WAIVER_WITH_REASON.search(text)]
    none(found, "a waiver names the rule and gives a reason in words, on the same line")


@pytest.mark.parametrize(
    ("comment", "is_reasoned"),
    [
        ("# noqa: S105 - a published secret", True),
        ("# type: ignore[misc]  # MSAL ships no types", True),
        ("# noqa: S105", False),
        ("# noqa - a reason without a rule", False),
        ("# type: ignore  # a reason without a rule", False),
    ],
)
def test_a_waiver_needs_a_rule_and_words(comment, is_reasoned):
    assert bool(WAIVER_WITH_REASON.search(comment)) is is_reasoned


def test_waivers_are_few():
    found = [f"{where} {text}" for where, text in waivers()]
    assert len(found) <= MOST_WAIVERS, f"{len(found)} waivers:\n  " + "\n  ".join(found)


# --- token exits ---------------------------------------------------------------------------------


def test_a_secret_is_opened_only_where_the_table_says():
    found: Counter[str] = Counter()
    for path, tree in program().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "reveal":
                found[module_name(path)] += 1
    assert dict(found) == REVEAL_SITES, "Secret.reveal() is used elsewhere than REVEAL_SITES says"


# --- what the repository says --------------------------------------------------------------------


def repository_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("path", ["home/alice/obo-mcp", "Users/alice/x", "work/main", "opt/wheels"])
def test_a_path_of_one_machine_is_seen(path):
    assert MACHINE_PATH.search(f"run /{path} first")


@pytest.mark.parametrize(
    "address", ["index.example/simple/x", "mirror.example/simple/x", "py" + "pi.example"]
)
def test_an_address_of_an_index_is_seen(address):
    assert INDEX_ADDRESS.search(f"--index https://{address}")
    assert not INDEX_ADDRESS.search("see https://learn.microsoft.com/graph/overview")


def test_no_file_knows_the_machine_it_was_written_on():
    offences = []
    for path in repository_files():
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            if found := MACHINE_PATH.search(line) or INDEX_ADDRESS.search(line):
                offences.append(f"{place(path, number)} {found.group()}")
    none(offences, "no paths of one machine, no address of a package index")


# --- the front door of the library ---------------------------------------------------------------


def test_the_public_names_are_few_real_and_explained():
    library = importlib.import_module("obo_mcp")
    names = library.__all__
    assert len(names) == len(set(names)) <= MOST_PUBLIC_NAMES, sorted(names)
    offences = []
    for name in names:
        public = getattr(library, name, None)
        words = getattr(public, "__doc__", None) or ""
        if (
            public is None or not words or words.startswith(f"{name}(")
        ):  # a dataclass's own signature
            offences.append(f"{name}: {'no docstring of its own' if public else 'does not exist'}")
    none(offences, "every public name exists and explains itself")
