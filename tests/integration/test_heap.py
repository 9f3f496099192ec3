"""What a process holds after two hundred exchanges: no refresh token, no id token."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from obo_cli.demo.stage import server_settings

PROGRAM = Path(__file__).parents[1] / "support" / "heap_scan.py"
EXCHANGES = 200
THREADS = 16


def scanned(world, *, plant):
    """The program's report on itself."""
    tokens = [token.reveal() for token in world.crowd(EXCHANGES)]
    order = {"tokens": tokens, "plant": plant, "refresh": "1.refresh."}
    settings = server_settings(world.about, world.url)
    settings["OBO_MCP_RESOURCE_URL"] = "http://127.0.0.1:1/mcp"
    ended = subprocess.run(
        [sys.executable, str(PROGRAM)],
        input=json.dumps(order),
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.promise("P-06")
def test_after_two_hundred_exchanges_no_refresh_token_and_no_id_token_is_held(world):
    """Each answer had an id token in it: in memory that was given back the last few still stand."""
    report = scanned(world, plant=False)
    assert report["kept"] == EXCHANGES
    assert report["living"] == {"access": 2 * EXCHANGES, "id": 0, "refresh": 0}
    assert report["memory"]["refresh"] == 0
    assert report["memory"]["id"] < THREADS * 4 < EXCHANGES


def test_the_scan_finds_a_refresh_token_and_an_id_token_that_were_kept_on_purpose(world):
    report = scanned(world, plant=True)
    assert {"id_token", "refresh_token"} <= set(report["planted"])
    assert report["living"] == {"access": 2 * EXCHANGES + 1, "id": 1, "refresh": 1}
    assert report["memory"]["refresh"] == 1
    assert report["memory"]["id"] >= 1
