"""Many people through one process: memory comes to rest, and a lookup costs what it did."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NIGHTLY = os.environ.get("OBO_MCP_NIGHTLY") == "1"
PROGRAM = Path(__file__).parents[1] / "load" / "people.py"
PEOPLE, ENTRIES = (100_000, 20_000) if NIGHTLY else (4_000, 1_500)
PLATEAU_MIB = 250
LAST_HALF_MIB = 16 if NIGHTLY else 4


@pytest.mark.promise("P-24")
@pytest.mark.promise("P-04")
@pytest.mark.timeout(1800)
def test_many_people_need_bounded_memory_and_make_no_lookup_dearer():
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), str(PEOPLE), str(ENTRIES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["rss_mib"]["most"] <= PLATEAU_MIB
    assert told["last_half_grew_mib"] <= LAST_HALF_MIB
    assert told["most_kept"] == ENTRIES
    assert told["outlived"] == 0
    assert told["lookup_ratio"] <= 1.2
