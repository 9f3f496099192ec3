"""The smallest server, as the tutorial shows it."""

import re
import socket
import sys
from pathlib import Path

import httpx
import pytest

from integration.console import ended, read_until, sign_in, started
from obo_cli.tenant import in_words
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


TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "whoami.md"
WHOAMI = f'exec "{sys.executable}" -m obo_whoami'


@pytest.mark.parametrize("wrong", ["unset OBO_MCP_CLIENT_ID", "OBO_MCP_TENANT_ID=contoso"])
def test_a_wrong_setting_stops_it_in_one_line(world, tmp_path, wrong):
    script = f"{in_words(world.about)}\n{wrong}\n{WHOAMI}"
    code, stdout, stderr = ended(started(script, tmp_path))
    assert (code, stdout, stderr.count("\n")) == (2, "", 1), stderr
    assert stderr.startswith(re.search("OBO_MCP_[A-Z_]+", wrong)[0])


@pytest.fixture
def settings(world):
    """What the tutorial has its reader paste, on a port that is free here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    pasted = in_words(world.about).replace(":8000/", f":{port}/")
    return f"{pasted}\nexport OBO_MCP_PORT={port}"


@pytest.fixture
def running(settings, tmp_path):
    process = started(f"{settings}\n{WHOAMI}", tmp_path)
    read_until("running on", process.stderr)
    yield process
    process.terminate()
    ended(process)


def test_what_a_client_asks_for_is_not_printed(settings, running):
    url = re.search(r"http://[^:/\s]+:\d+(?=/mcp)", settings)[0]
    assert httpx.get(f"{url}/livez?code=canary-of-a-query").status_code == 200
    running.terminate()
    _, stdout, stderr = ended(running)
    assert "canary" not in stdout + stderr


@pytest.mark.usefixtures("running")
def test_the_sign_in_and_the_calls_of_the_tutorial_work(world, settings, tmp_path):
    command = re.compile(r"^\.venv/bin/(obo-mcp (?:login|call) .*)$", re.MULTILINE)
    login, *calls = command.findall(TUTORIAL.read_text("utf-8"))
    user_app = re.search(r"--client-id (\S+)", settings)[1]
    process = started(f"{settings}\nUSER_APP_ID={user_app}\n{login}", tmp_path)
    adele = world.about["people"]["adele"]
    typed = {"name": adele["user_principal_name"], "password": adele["password"]}
    sign_in(process, world.about["ca_path"], typed)
    code, _, stderr = ended(process)
    assert code == 0, stderr
    answers = [ended(started(f"{settings}\n{call}", tmp_path)) for call in calls]
    assert [code for code, *_ in answers] == [0, 0], answers
    assert adele["oid"] in answers[0][1]
    assert adele["name"] in answers[1][1]
