"""`python -m obo_tenant` as a process."""

import json
import signal
import socket
import ssl
import subprocess
import sys

import httpx
import pytest

COMMAND = [sys.executable, "-m", "obo_tenant"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_is_and_stops_when_asked(tmp_path, number):
    command = [*COMMAND, "--state-dir", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ready = json.loads(process.stdout.readline())
        assert ready.keys() == {"url", "ca_path", "tenant_id"}
        trust = ssl.create_default_context(cafile=ready["ca_path"])
        with httpx.Client(verify=trust, trust_env=False) as client:
            info = client.get(f"{ready['url']}/_tenant/?secret=1").json()
        assert info["tenant_id"] == ready["tenant_id"]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")
    assert [line.split()[:3] for line in errors.splitlines()] == [["GET", "/_tenant/", "200"]]


def test_a_taken_port_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--port", port], capture_output=True, text=True, check=False, timeout=60
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "in use" in done.stderr


def test_a_broken_state_folder_is_said_in_one_line(tmp_path):
    for name in ("ca.pem", "ca-key.pem"):
        (tmp_path / name).write_text("nonsense")
    done = subprocess.run(
        [*COMMAND, "--state-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [("--port", "70000"), ("--port=-1",), ("--name", "a_b/c")])
def test_an_option_that_cannot_be_meant_is_said_in_one_line(options):
    done = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "must be" in done.stderr
