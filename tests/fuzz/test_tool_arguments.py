"""No argument of any tool leads off Graph's host, out of the tool's own paths, or to a crash."""

import asyncio
import json

import pytest
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.tool_calls import TEMPLATES, AnyGraph, arguments_of, check_known, strays
from obo_graph.catalogue import BY_NAME
from unit.graph_server.world import World

EXAMPLES = 150  # for each of the 34 tools; a night makes 100,000 calls and more of it


class Studio:
    """One loop and one client for thousands of calls."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.requests_made = 0
        self.world = World(read_only=False, tools="core write extra graph")
        self.world.network = self.network = AnyGraph()
        self.opened, self.closing = self.loop.create_future(), self.loop.create_future()
        self.open = self.loop.create_task(self._keep_open())
        self.client = self.run(self.opened)
        tools = self.run(self.client.list_tools()).tools
        self.schemas = {tool.name: tool.input_schema for tool in tools}

    async def _keep_open(self):
        async with self.world.client() as client:
            self.opened.set_result(client)
            await self.closing

    def run(self, work):
        return self.loop.run_until_complete(work)

    def call(self, tool, arguments, refusing):
        self.network.requests, self.network.refusing = [], list(refusing)
        result = self.run(self.client.call_tool(tool, arguments))
        self.requests_made += len(self.network.requests)
        return result

    def close(self):
        self.closing.set_result(None)
        self.run(self.open)
        self.loop.close()


@pytest.fixture(scope="module")
def studio():
    opened = Studio()
    yield opened
    opened.close()


def test_every_tool_has_its_paths(studio):
    assert set(studio.schemas) == set(BY_NAME) == set(TEMPLATES)


@pytest.mark.promise("P-27")
@pytest.mark.parametrize("tool", sorted(BY_NAME))
def test_no_argument_leads_astray_or_to_a_crash(studio, tool):
    refusals = st.lists(st.sampled_from([200, 400, 403, 404, 409, 412, 500, 507]), max_size=2)

    @tried(EXAMPLES, arguments=arguments_of(studio.schemas[tool]), refusing=refusals)
    def attempt(arguments, refusing):
        result = studio.call(tool, arguments, [code for code in refusing if code != 200])
        assert strays(tool, studio.network.requests) == []
        if tool != "graph_get":  # its path is the caller's own
            check_known(studio.network.requests)
        text = "".join(block.text for block in result.content)
        assert len(text.encode()) <= studio.world.settings.result_budget_bytes
        if result.is_error:
            assert json.loads(text[text.index("{") :])["error"], text
        else:
            assert json.loads(text) == result.structured_content

    before = studio.requests_made
    attempt()
    assert studio.requests_made - before > EXAMPLES / 50  # some of them get through to Graph
