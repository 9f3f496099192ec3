"""What every test in this repository keeps to: no sleeps, no patches on our own code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("obo_mcp", "obo_graph", "obo_whoami", "obo_tenant", "obo_cli")


@cache
def suite() -> dict[Path, ast.Module]:
    paths = sorted(
        path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts
    )
    return {path: ast.parse(path.read_text("utf-8")) for path in paths}


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """`a.b.c` with its first part resolved through the module's imports; "" for anything else."""
    match node:
        case ast.Name(id=name):
            return names.get(name, f"<local>.{name}")
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value, names)}.{attr}"
    return ""


def imported_names(tree: ast.Module) -> dict[str, str]:
    names = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    names[alias.asname or first] = alias.name if alias.asname else first
            case ast.ImportFrom(module=str(module)):
                names |= {
                    alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names
                }
    return names


def calls_in_tests() -> Iterator[tuple[Path, ast.Call, str, dict[str, str]]]:
    for path, tree in suite().items():
        names = imported_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, node, dotted(node.func, names), names


def sleeps(call: ast.Call, name: str) -> bool:
    if name not in {"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"}:
        return False
    gives_way = (
        bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
    )
    return name == "time.sleep" or not gives_way


def test_no_test_sleeps():
    offences = [
        f"{place(path, call.lineno)} {name}"
        for path, call, name, _ in calls_in_tests()
        if sleeps(call, name)
        and (ROOT / "tests" / "load") not in path.parents
        and path.name != "fault_proxy.py"  # it makes others late: that is its purpose
    ]
    assert not offences, "time comes from a Clock and waiting from events: " + ", ".join(offences)


def patches_ours(call: ast.Call, name: str, names: dict[str, str]) -> bool:
    """`monkeypatch.setattr` and `mock.patch` on our packages, or on an object of unknown origin."""
    is_patch = name.endswith(("monkeypatch.setattr", "mock.patch", "mock.patch.object"))
    if not is_patch or not call.args:
        return False
    match call.args[0]:
        case ast.Constant(value=str(target)):
            pass
        case expression:
            target = dotted(expression, names)
    return target.partition(".")[0] in {*OURS, "<local>", ""}


def test_no_test_patches_our_own_code():
    offences = [
        f"{place(path, call.lineno)} {ast.unparse(call)[:80]}"
        for path, call, name, names in calls_in_tests()
        if patches_ours(call, name, names)
    ]
    assert not offences, "a fake goes into the transport only: " + ", ".join(offences)


def only_call(source: str) -> tuple[ast.Call, str, dict[str, str]]:
    tree = ast.parse(source)
    names = imported_names(tree)
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return call, dotted(call.func, names), names


@pytest.mark.parametrize(
    "source",
    [
        "import time as t; t.sleep(0)",
        "from time import sleep; sleep(1)",
        "import asyncio; asyncio.sleep(0.1)",
        "import anyio; anyio.sleep(seconds)",
    ],
)
def test_a_sleep_is_seen_whatever_it_is_called(source):
    call, name, _ = only_call(source)
    assert sleeps(call, name)


def test_giving_way_to_other_tasks_is_not_sleeping():
    call, name, _ = only_call("import asyncio; asyncio.sleep(0)")
    assert not sleeps(call, name)


@pytest.mark.parametrize(
    "source",
    [
        "monkeypatch.setattr('obo_mcp.clock.SystemClock', fake)",
        "from obo_mcp import clock; monkeypatch.setattr(clock, 'now', fake)",
        "monkeypatch.setattr(broker, 'exchange', fake)",
        "from unittest import mock; mock.patch('obo_graph.app.start')",
        "from unittest.mock import patch; patch.object(server, 'run')",
    ],
)
def test_a_patch_on_our_code_is_seen(source):
    assert patches_ours(*only_call(source))


@pytest.mark.parametrize(
    "source",
    ["import socket; monkeypatch.setattr(socket, 'x', fake)", "monkeypatch.setenv('obo_mcp', '1')"],
)
def test_a_patch_on_foreign_code_is_not_ours(source):
    assert not patches_ours(*only_call(source))
