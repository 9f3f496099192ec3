"""The smallest server, as the tutorial shows it."""

import pytest

from obo_whoami.__main__ import create_app
from support.callers import ERAS, connected, text
from support.serving import Serving


@pytest.fixture
def url(world):
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), world.url)) as serving:
        yield f"{serving.url}/mcp"


@pytest.mark.parametrize("era", ERAS)
async def test_it_tells_each_caller_who_they_are_and_what_graph_calls_them(world, url, era):
    for key in ("adele", "megan"):
        async with connected(url, world.token(key), era) as client:
            me = (await client.call_tool("whoami", {})).structured_content
            assert me["person"] == world.person(key)["oid"]
            assert me["tenant"] == world.about["tenant_id"]
            assert text(await client.call_tool("my_name", {})) == world.person(key)["name"]
