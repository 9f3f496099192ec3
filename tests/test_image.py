"""The image: what can be said without building it and, where it can be built, all the rest."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "image.sh"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def run_script(timeout_seconds, **environment):
    environment = {k: v for k, v in os.environ.items() if k != "REQUIRE_IMAGE"} | environment
    return subprocess.run(
        [shutil.which("bash") or "bash", SCRIPT],
        env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False,
    )  # fmt: skip


@pytest.mark.image
@pytest.mark.timeout(900)
def test_the_image_builds_and_runs_locked_down():
    if os.environ.get("OBO_MCP_TEST_IMAGE") != "1":
        pytest.skip("building takes minutes: set OBO_MCP_TEST_IMAGE=1, or run `make image`")
    done = run_script(880)
    if done.stdout.startswith("skipped: "):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^(.*\S)\s+(ok|FAILED)$", done.stdout, re.MULTILINE)
    assert len(rows) >= 16, done.stdout
    assert {verdict for _, verdict in rows} == {"ok"}, done.stdout


@pytest.fixture
def bare_path(tmp_path):
    """A PATH with the few commands that the script needs before it can know what is missing."""
    for command in ("dirname", "mktemp", "rm"):
        (tmp_path / command).symlink_to(shutil.which(command))
    return str(tmp_path)


@pytest.mark.parametrize(("require", "exit_code"), [("0", 0), ("1", 1)])
def test_a_missing_tool_is_said_and_is_an_error_only_on_demand(bare_path, require, exit_code):
    done = run_script(20, PATH=bare_path, REQUIRE_IMAGE=require)
    assert done.stdout == "skipped: buildah is not installed\n", done.stderr
    assert done.returncode == exit_code


def test_the_shell_scripts_parse_and_stop_at_the_first_error():
    for script in (ROOT / "deploy").glob("*.sh"):
        assert "set -euo pipefail" in script.read_text("utf-8"), script.name
        done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_only_what_the_dockerfile_copies_enters_the_build():
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*", "deny first, then allow by name"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert allowed == {source for line in lines for source in line.split()}


def test_every_package_in_the_image_comes_by_its_hash():
    installs = re.findall(r"^.*\binstall\b(?:.*\\\n)*.*$", DOCKERFILE, re.MULTILINE)
    assert installs
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command, command


def test_the_last_stage_drops_privileges_and_stops_politely():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    for line in (
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        'ENTRYPOINT ["python", "-m", "obo_graph"]',
    ):
        assert line in last.splitlines()
    # Root may strip setuid bits; whatever runs after USER may not be root again.
    assert re.findall(r"^USER .+$", last, re.MULTILINE) == ["USER 65532:65532"]
