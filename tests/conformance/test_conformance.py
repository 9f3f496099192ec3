"""The official suite of the Model Context Protocol against a server behind our middleware."""

import json
import re

import pytest

from conformance.fixture.app import create_app
from conformance.node import FOLDER
from support.serving import Serving

pytestmark = [
    pytest.mark.node,
    # The fixtures use what the newest wire dropped, because the older one still has it.
    pytest.mark.filterwarnings("ignore:.* deprecated as of 2026-07-28"),
]


@pytest.fixture(params=["stateless", "stateful"])
def sessions(request):
    return request.param


@pytest.fixture(params=["2025-11-25", "2026-07-28"])
def wire(request):
    return request.param


@pytest.fixture
def url(world, sessions):
    def build(url):
        return create_app(world.settings(f"{url}/mcp"), stateful=sessions == "stateful")

    with Serving(build) as serving:
        yield f"{serving.url}/mcp"


@pytest.fixture
def suite(node, url, wire, tmp_path):
    """Runs the suite: how it ended, and of each check its scenario, its id and its status."""

    def run(*arguments, token):
        results = tmp_path / "results"
        options = ["--url", url, "--spec-version", wire, "--output-dir", results]
        done = node.run("conformance", "server", *options, *arguments, token=token)
        return done, [check for file in results.glob("*/checks.json") for check in checks(file)]

    return run


def checks(file):
    """Its folder is named server-SCENARIO-TIME. A check that only informs is none."""
    scenario = re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT.+", file.parent.name)[1]
    found = json.loads(file.read_text("utf-8"))
    return [(scenario, c["id"], c["status"]) for c in found if c["status"] != "INFO"]


@pytest.fixture
def required(node, wire):
    """The scenarios that a server of that revision has to pass, as the suite froze them."""
    told = node.run("conformance", "list", "--requirements", wire).stdout
    servers = re.search(r"^Server scenarios.*?:\n((?:  - .+\n)+)", told, re.MULTILINE)[1]
    return set(re.findall(r"  - (\S+)", servers))


@pytest.fixture
def baseline(sessions, wire):
    """A file for the suite, and the SCENARIO:CHECK entries in it."""
    file = FOLDER / f"expected-{sessions}-{wire}.yml"
    if not file.exists():
        return [], set()
    entries = re.findall(r"^  - (\S+)$", file.read_text("utf-8"), re.MULTILINE)
    return ["--expected-failures", file], set(entries)


@pytest.mark.promise("P-15")
def test_nothing_fails_but_what_needs_a_session_and_has_none(
    world, suite, baseline, required, record_property
):
    arguments, expected = baseline
    done, found = suite("--suite", "all", *arguments, token=world.token())
    other = {f"{scenario}:{check}" for scenario, check, status in found if status != "SUCCESS"}
    assert other == expected
    assert done.code == 0, done.stdout[-4000:]
    passed = [scenario for scenario, _, status in found if status == "SUCCESS"]
    missing = required - {*passed, *(entry.partition(":")[0] for entry in expected)}
    assert not missing, "required by the revision, and not passed"
    figures = f"{len(passed)} checks passed in {len(set(passed))} scenarios"
    record_property("conformance", f"{figures}, {len(other)} expected not to, 0 others")


def test_without_an_access_token_nothing_passes(suite):
    done, found = suite("--scenario", "tools-list", token=None)
    assert done.code == 1
    assert ("tools-list", "tools-list", "FAILURE") in found
