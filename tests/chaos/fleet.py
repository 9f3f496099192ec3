"""A tenant, replicas of a server in it, and what they did: everything in processes of its own."""

import asyncio
import base64
import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from obo_cli.demo.stage import server_settings
from support.fault_proxy import FaultProxy
from support.wire import payload_of
from support.world import World

PUBLIC_PORT = 8765
"""What all replicas think that they are reached under; nobody listens there."""
REPLICAS = 4
PATIENCE_SECONDS = 30


def environment():
    """Ours, without what has coverage measure other processes: that makes them several times
    slower, and here they are timed.
    """
    return {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}


def new_ring_key():
    return base64.b64encode(os.urandom(32)).decode()


@contextmanager
def tenant():
    """The local tenant as a process: what it does takes nothing from the client's own thread."""
    command = [sys.executable, "-m", "obo_tenant", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        about = json.loads(process.stdout.readline())
        trust = ssl.create_default_context(cafile=about["ca_path"])
        with httpx.Client(base_url=about["url"], verify=trust, trust_env=False, timeout=60) as http:
            yield World(about["url"], about["ca_path"], http)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        process.stdout.close()


@dataclass(frozen=True)
class Replica:
    """One process: where it listens, and where it writes its events."""

    pid: int
    port: int
    log: Path

    def exchanges(self):
        """How many exchanges each person's object id has cost this replica so far."""
        return Counter(each["oid"] for each in self._events("exchange"))

    def outcomes(self):
        """What became of the shared cache, as its events tell."""
        return Counter(each.get("cause") or each["outcome"] for each in self._events("cache"))

    def let_rest_end(self):
        """Its clock goes on by as long as a failing cache is left alone."""
        os.kill(self.pid, signal.SIGUSR1)

    def _events(self, kind):
        lines = self.log.read_text().splitlines()
        events = (json.loads(line) for line in lines if line.startswith("{"))
        return [each for each in events if each.get("event") == kind]


class Fleet:
    """Starts and stops replicas. `with Fleet(world, folder) as fleet: fleet.start(4, ring=...)`."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self._numbers = itertools.count()

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("replica.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.folder,
            env=environment(),
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def start(self, count, *, kind="tokens", redis="", ring=(), **settings):
        """New replicas, ready to be called; `ring` are keys of 32 octets in base64."""
        given = server_settings(self.world.about, self.world.url)
        given["OBO_MCP_RESOURCE_URL"] = f"http://127.0.0.1:{PUBLIC_PORT}/mcp"
        given |= {"OBO_MCP_CACHE_KEYS": " ".join(ring)} if ring else {}
        given |= {"OBO_MCP_REDIS_URL": redis} if redis else {}
        given |= {f"OBO_MCP_{name.upper()}": str(value) for name, value in settings.items()}
        logs = [self.folder / f"replica-{next(self._numbers)}.log" for _ in range(count)]
        for log in logs:
            self._order(name=str(log), kind=kind, environment=given, log=str(log))
        told = [self._news("ready") for _ in logs]
        ours = {each["ready"]: each for each in told}
        return [Replica(ours[str(log)]["pid"], ours[str(log)]["port"], log) for log in logs]

    def stop(self, replica):
        """SIGTERM, and wait until it has ended."""
        self._order(stop=replica.pid)
        assert self._news("stopped")["stopped"] == replica.pid

    def _order(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _news(self, wanted):
        news = json.loads(self._process.stdout.readline() or '{"failed": "all replicas"}')
        assert wanted in news, news
        return news


@contextmanager
def proxied(port):
    """A FaultProxy in a thread, so that it stays the same for the tests of a whole module."""
    loop, proxy = asyncio.new_event_loop(), FaultProxy(port)
    thread = threading.Thread(target=loop.run_forever, name="fault proxy", daemon=True)
    thread.start()

    def wait_for(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_SECONDS)

    try:
        wait_for(proxy.__aenter__())
        yield proxy
        wait_for(proxy.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


def exchanges(world):
    """Exchanges for each person since the log was cleared, as the token endpoint saw them."""
    return Counter(entry["person"] for entry in world.exchanges())


def oid_of(token):
    return payload_of(token.reveal())["oid"]
