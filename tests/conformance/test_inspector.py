"""The Inspector, as people start it in a terminal, against our own servers in the local tenant.

Its exit codes: 0 done, 3 no or no valid access token, 5 the tool answers with an error, 6 (with
`--strict`) a tool's schema is not portable.
"""

import json

import pytest

from obo_graph.app import create_app as create_graph
from obo_graph.settings import GraphSettings
from obo_mcp.secret import Secret
from obo_whoami.__main__ import create_app as create_whoami
from support.serving import Serving

pytestmark = [pytest.mark.node, pytest.mark.parametrize("era", ["legacy", "modern"])]


@pytest.fixture
def whoami(world):
    with Serving(lambda url: create_whoami(world.settings(f"{url}/mcp"), world.url)) as serving:
        yield f"{serving.url}/mcp"


@pytest.fixture
def graph(world):
    settings = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    with Serving(lambda url: create_graph(world.settings(f"{url}/mcp"), settings)) as serving:
        yield f"{serving.url}/mcp"


@pytest.fixture
def inspect(node, era):
    """What the Inspector made of `url`: its exit code and its one JSON object."""

    def run(url, token, method, *arguments):
        options = ["--transport", "http", "--protocol-era", era, "--stored-auth-only"]
        wanted = ["--method", method, *arguments, "--format", "json", "--quiet"]
        done = node.run("mcp-inspector", "--cli", url, *options, *wanted, token=token)
        return done.code, json.loads(done.stdout or done.stderr)

    return run


def test_the_tools_of_the_smallest_server_are_listed_and_called(world, whoami, inspect):
    token = world.token("adele")
    code, listed = inspect(whoami, token, "tools/list", "--strict")
    assert code == 0, listed
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["whoami", "my_name"]
    code, called = inspect(whoami, token, "tools/call", "--tool-name", "whoami")
    assert code == 0, called
    assert called["result"]["structuredContent"]["person"] == world.person("adele")["oid"]


def test_a_call_that_needs_an_exchange_gets_it(world, whoami, inspect):
    code, called = inspect(whoami, world.token("megan"), "tools/call", "--tool-name", "my_name")
    assert code == 0, called
    assert called["result"]["content"][0]["text"] == world.person("megan")["name"]
    assert len(world.exchanges()) == 1


@pytest.mark.parametrize("token", [None, Secret("neither.a.token")], ids=["none", "not valid"])
def test_without_a_valid_access_token_it_asks_for_one(whoami, inspect, token):
    code, told = inspect(whoami, token, "tools/list")
    assert (code, told["error"]["code"]) == (3, "auth_required")


def test_without_consent_the_tool_answers_with_an_error(world, whoami, inspect):
    code, told = inspect(whoami, world.token("diego"), "tools/call", "--tool-name", "my_name")
    assert code == 5, told


def test_the_tools_of_the_graph_server_are_portable_and_can_be_called(world, graph, inspect):
    token = world.token("adele")
    code, listed = inspect(graph, token, "tools/list", "--strict")
    assert code == 0, listed
    assert "mail_search" in {tool["name"] for tool in listed["result"]["tools"]}
    code, called = inspect(graph, token, "tools/call", "--tool-name", "mail_search")
    assert code == 0, called
    assert called["result"]["structuredContent"]["items"]


def test_an_argument_that_is_wrong_is_an_error_of_the_tool(world, graph, inspect):
    wrong = [
        "--tool-name",
        "calendar_view",
        "--tool-args-json",
        '{"start": "soon", "end": "later"}',
    ]
    code, told = inspect(graph, world.token("adele"), "tools/call", *wrong)
    assert code == 5, told
