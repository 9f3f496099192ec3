"""The demo, as a person runs it."""

import json
import os
import subprocess
import sys
import time

import pytest

SECONDS = 20


@pytest.fixture(scope="module")
def demo():
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "obo_cli", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"OBO_MCP_TENANT_ID": "not a guid", "HTTPS_PROXY": "http://127.0.0.1:9"},
    )
    return done, time.monotonic() - started


@pytest.mark.promise("P-11")
def test_it_meets_every_expectation_in_under_twenty_seconds(demo):
    done, seconds = demo
    report = json.loads(done.stdout)
    assert [check["expected"] for check in report["checks"] if not check["met"]] == []
    assert done.returncode == 0
    assert seconds < SECONDS


def test_every_hop_says_who_to_whom_for_what_and_how(demo):
    report = json.loads(demo[0].stdout)
    hops = [hop for walk in report["walks"] for asked in walk["asked"] for hop in asked["hops"]]
    assert {hop["person"] for hop in hops} == {"Adele Vance", "Megan Bowen"}
    assert {"device_code", "authorization_code", "exchanged", "cached"} <= {h["how"] for h in hops}
    carried = [hop for hop in hops if hop["audience"] != "(no token)"]
    assert all(hop["lifetime_seconds"] > 0 for hop in carried)
    assert all(hop["scope"] and hop["actor"] for hop in carried)


def test_each_refusal_has_its_status_and_its_cure(demo):
    refused = {one["attempt"]: one for one in json.loads(demo[0].stdout)["refused"]}
    assert [one["status"] for one in refused.values()] == [401, 401, 401, 403, 200]
    assert "authType OAuth2" in refused["app-only token, as an agent identity sends it"]["words"]


def test_no_token_and_no_password_is_printed(demo):
    done, _ = demo
    for text in (done.stdout, done.stderr):
        assert "eyJ" not in text
        assert "practice-secret" not in text
        assert "orchid-lantern" not in text
