"""`obo-mcp serve --local` on a machine that has never seen it: what it prints works as printed."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from integration.console import ended, read_until, sign_in, started

SERVE = f'exec "{sys.executable}" -m obo_cli serve --local --tenant-port 0'


class Serving:
    """`obo-mcp serve --local`, and what it printed."""

    def __init__(self, home):
        self.home = home
        self.process = started(SERVE, home)
        self.told = read_until("Ctrl+C", self.process.stderr)
        self.url = self.process.stdout.readline().strip()

    def printed(self, pattern):
        return re.search(pattern, self.told, re.DOTALL)[1]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    serving = Serving(tmp_path_factory.mktemp("a home"))
    yield serving
    serving.process.terminate()
    code, _, stderr = ended(serving.process)
    assert code == 0, stderr[-2000:]


def test_the_printed_login_and_call_work_on_a_fresh_machine(serving):
    name, password = re.search(r"can sign in: (\S+) \((.+?)\)", serving.told).groups()
    ca_path = serving.printed(r"authority is ([^\n]+)")
    assert " " in ca_path
    words = serving.printed(r"(obo-mcp login .*?)\n  obo-mcp call")
    login = started(f"{words} --device-code", serving.home)
    sign_in(login, ca_path, {"name": name, "password": password})
    code, _, stderr = ended(login)
    assert code == 0, stderr
    called = serving.printed(r"\n  (obo-mcp call [^\n]*)")
    code, stdout, stderr = ended(started(called, serving.home))
    assert code == 0, stderr
    assert stdout.startswith('{"items":[{')


def test_the_printed_curl_gets_a_token_that_the_server_takes(serving):
    script = serving.printed(r"(TOKEN=.*?cut -d '\"' -f 4\))")
    _, token, _ = ended(started(f'{script}; echo "$TOKEN"', serving.home))
    assert token.count(".") == 2
    words = f"obo-mcp call {serving.url} whoami --token-stdin --json"
    code, stdout, stderr = ended(started(words, serving.home), token)
    assert code == 0, stderr
    assert "Adele Vance" in stdout


def children(pid):
    """The processes that `pid` started (Linux)."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text()
        except OSError:  # gone meanwhile
            continue
        if f"\nPPid:\t{pid}\n" in lines:
            yield int(status.parent.name)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to find the server")
def test_a_server_that_dies_ends_the_command_with_its_last_words(tmp_path):
    serving = Serving(tmp_path)
    assert "listening on" in serving.told
    (server,) = children(serving.process.pid)
    os.kill(server, signal.SIGKILL)
    code, _, stderr = ended(serving.process)
    assert code == 1
    assert "ended by itself" in stderr
    assert '"event": "keys"' in stderr
    assert "Traceback" not in stderr
