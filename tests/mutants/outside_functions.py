"""Mutants of what mutmut leaves alone: constants, tables, patterns, class members, properties.

Run from the root of the tree, which is left as it is. The tests are those of mutmut.
"""

import ast
import copy
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = Path("src/obo_mcp/inbound")
SLOW = {f"tests/unit/library/test_{name}.py" for name in ("jwks", "metadata")}
SECONDS = 120
AT_ONCE = 2
PROMISED = 0.9
MOST_VARIANTS = 100
CONTAINERS = (ast.Assign, ast.Call, ast.Dict, ast.Tuple)
SWAPPED = {
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Mult: ast.Add,
}
PATTERN = re.compile(r"[\[\\]")
SPOT_IN_PATTERN = re.compile(r"\d+(?=[,}])|[+*]|\\Z|_(?=-)|\\\.")
INSTEAD = {"+": ["*"], "*": ["+"], r"\Z": [""], "_": ["", "_=", "_ "], r"\.": ["."]}


def main():
    """Try every mutant; print those that no test noticed."""
    if fails(".", chosen_tests()):
        return "the tests fail without any mutant"
    paths = sorted(PACKAGE.glob("*.py"))
    tasks = [(path, *mutant) for path in paths for mutant in mutants(path.read_text("utf-8"))]
    verdicts = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (path, what, _), verdict in zip(tasks, pool.map(judged, tasks), strict=True):
            verdicts[verdict] += 1
            if verdict != "killed":
                sys.stdout.write(f"{verdict}: {path.stem} {what}\n")
                sys.stdout.flush()
    share = 1 - verdicts["survived"] / len(tasks)
    counts = ", ".join(f"{name} {count}" for name, count in verdicts.items())
    sys.stdout.write(f"outside functions: {share:.1%} noticed ({counts}, total {len(tasks)})\n")
    return share < PROMISED


def judged(task):
    """Whether the tests notice; those of the same module are asked first."""
    path, _, mutated = task
    with TemporaryDirectory() as place:
        shutil.copytree("src", f"{place}/src", ignore=shutil.ignore_patterns("__pycache__"))
        Path(place, path).write_text(mutated, "utf-8")
        chosen = chosen_tests()
        own = {f"tests/unit/library/test_{path.stem}.py"} & chosen
        try:
            is_noticed = any(fails(place, tests) for tests in (own, chosen - own) if tests)
        except subprocess.TimeoutExpired:
            return "timeout"
    return "killed" if is_noticed else "survived"


def chosen_tests():
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    return set(settings["pytest_add_cli_args_test_selection"])


def fails(place, tests):
    tests = sorted(tests, key=lambda name: (name in SLOW, name))
    ways = {"PYTHONPATH": f"{place}/src", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(
        command, env=os.environ | ways, timeout=SECONDS, capture_output=True, check=False
    )
    return ran.returncode != 0


def mutants(source):
    """Every mutant of `source`, as what was changed and the changed text."""
    count = len(list(spots(ast.parse(source))))
    for number in range(count):
        for variant in range(MOST_VARIANTS):
            tree = ast.parse(source)
            parent, name, index, node = list(spots(tree))[number]
            changes = list(changed(parent, node))
            if variant >= len(changes):
                break
            put(parent, name, index, changes[variant])
            what = told_apart(ast.unparse(node), ast.unparse(changes[variant]))
            yield f"line {node.lineno}: {what}", ast.unparse(ast.fix_missing_locations(tree))


def told_apart(before, after):
    """Both texts from shortly before they begin to differ."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), 0)
    return " -> ".join(text[max(0, same - 12) :][:40] for text in (before, after))


def spots(tree):
    """Where a node hangs that no function which mutmut can change contains."""
    for statement in outside(tree.body):
        yield from below(statement)


def outside(body):
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from shown(statement.decorator_list)
            yield from outside(statement.body)
        elif isinstance(statement, ast.FunctionDef) and statement.decorator_list:
            yield from (part for part in statement.body if not is_docstring(part))
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            yield statement


def shown(decorators):
    """The `repr` of data classes; what is frozen, slotted or named is for the type checker."""
    for decorator in decorators:
        yield from (word for word in getattr(decorator, "keywords", ()) if word.arg == "repr")


def below(parent):
    """Every node under `parent`, as the parent, its field, the place in it, and the node."""
    for field, value in ast.iter_fields(parent):
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and field != "annotation":
                yield parent, field, index if isinstance(value, list) else None, node
                yield from below(node)


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def changed(parent, node):
    """What may stand in place of `node`."""
    if isinstance(node, ast.Constant):
        yield from map(ast.Constant, values(parent, node))
    elif isinstance(node, ast.Set | ast.Tuple) and isinstance(parent, CONTAINERS):
        yield from (without(node, ["elts"], number) for number in range(len(node.elts)))
    elif isinstance(node, ast.Dict):
        yield from (without(node, ["keys", "values"], number) for number in range(len(node.keys)))
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPPED:
        yield with_operator(node)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand


def values(parent, node):
    """Other values of a constant; a member of a table is left to the removal of members."""
    value = node.value
    is_member = isinstance(parent, ast.Set | ast.Tuple) or node in getattr(parent, "keys", ())
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    if not isinstance(value, str) or is_member:
        return []
    return patterns(value) if PATTERN.search(value) else [f"{value}x"]


def patterns(text):
    """Regular expressions that take a little more or less than `text`."""
    for found in SPOT_IN_PATTERN.finditer(text):
        word = found[0]
        numbers = [str(int(word) + 1), str(int(word) - 1)] if word.isdigit() else []
        for instead in numbers or INSTEAD[word]:
            yield text[: found.start()] + instead + text[found.end() :]


def without(node, fields, number):
    shorter = copy.deepcopy(node)
    for field in fields:
        del getattr(shorter, field)[number]
    return shorter


def with_operator(node):
    other = copy.deepcopy(node)
    other.op = SWAPPED[type(node.op)]()
    return other


def put(parent, name, index, node):
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


if __name__ == "__main__":
    sys.exit(main())
