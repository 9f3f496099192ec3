"""What a tool call costs beside the same call made with bare httpx, on the same fake Graph."""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from wire import load, request

from obo_cli.demo.stage import server_settings

DAY = {"start": "2026-11-23", "end": "2026-11-23"}
CALLS = {
    "ten mails": ("mail_search", {"limit": 10}, b"Budget of the third quarter"),
    "fifty mails": ("mail_search", {"limit": 50}, b"Budget of the third quarter"),
    "calendar, 20 events": ("calendar_view", DAY, b"Review"),
    "files, 25 items": ("files_list", {}, b"Report"),
}
SIDES = ("bare", "ours")


def tool_calls(world, *, rounds, seconds):
    """CPU of the server's process for each call, one connection; p99 at 16 in flight."""
    token = world.token("adele").reveal()
    figures = {}
    with (
        process("graph", {}) as fake,
        process("bare", _settings(world, fake)) as bare,
        process("ours", _settings(world, fake)) as ours,
    ):
        servers = {"bare": bare, "ours": ours}
        for name, (tool, arguments, expect) in CALLS.items():
            cpu, p99 = ({side: [] for side in SIDES} for _ in range(2))
            for number in range(rounds + 1):
                for side, (port, pid) in servers.items():
                    wire = request(port, "modern", token, tool, arguments)
                    before = _cpu_seconds(pid)
                    alone = _run(port, wire, 1, seconds, expect)
                    spent = _cpu_seconds(pid) - before
                    many = _run(port, wire, 16, seconds, expect)
                    if number:
                        cpu[side].append(1e6 * spent / len(alone.calls))
                        p99[side].append(many.percentile(0.99))
            figures[name] = _summary(cpu, p99)
    return figures


def _summary(cpu, p99):
    pairs = zip(cpu["ours"], cpu["bare"], strict=True)
    return {
        "cpu_us": {side: round(statistics.median(found)) for side, found in cpu.items()},
        "cpu_ratio": round(statistics.median(ours / bare for ours, bare in pairs), 2),
        "p99_ms_at_16": {side: round(statistics.median(found), 1) for side, found in p99.items()},
    }


def _run(port, wire, connections, seconds, expect):
    return asyncio.run(load(port, wire, connections=connections, seconds=seconds, expect=expect))


def _cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _settings(world, fake):
    return server_settings(world.about, world.url) | {
        "OBO_MCP_GRAPH_URL": f"http://127.0.0.1:{fake[0]}"
    }


@contextmanager
def process(kind, settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "graph_server_process.py"), kind, str(port)],
        env=os.environ | settings | {"OBO_MCP_RESOURCE_URL": f"http://127.0.0.1:{port}/mcp"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert json.loads(child.stdout.readline())["ready"]
        yield port, child.pid
    finally:
        child.terminate()
        child.wait(20)
        child.stdout.close()
