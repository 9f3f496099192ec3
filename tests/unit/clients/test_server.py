"""The Graph server's process as `serve` and `demo` watch it."""

import subprocess
import sys

from obo_cli.demo.server import GraphServer

WRITES = """
import sys
for n in range(10_100):
    print('{"event": "one", "n": %d}' % n if n % 2 else "plain words", file=sys.stderr)
print("[1]", file=sys.stderr)
print("the last words", file=sys.stderr)
"""


def test_of_a_long_log_only_the_latest_events_are_kept_and_every_line_is_heard():
    heard = []
    process = subprocess.Popen([sys.executable, "-c", WRITES], stderr=subprocess.PIPE, text=True)
    server = GraphServer("http://127.0.0.1:1/mcp", process, heard.append)
    process.wait(20)
    last = server.last_lines()
    assert last[-2:] == ["[1]", "the last words"]
    assert len(last) < 20
    assert len(heard) == server.position() == 10_102
    assert len(server.events("one")) + len(server.events("text")) == 10_000
    assert server.events("one")[0]["n"] > 100
    assert [event["n"] for event in server.events("one", since=10_098)] == [10_099]
    server.stop()
