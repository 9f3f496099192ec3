"""`make bench`: the figures of docs/reference/figures.md, measured in one run.

Servers are processes of their own on one core, this client on another. Loopback only, bounded in
count and time. `--quick` takes smaller numbers and is for trying the bench itself.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import httpx

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from exchange_cost import exchange_costs
from graph_cost import tool_calls
from keys import unknown_key_flood, verification
from sealing import sealing
from shared_cache import shared_cache
from wire import load, request

from obo_cli.demo.server import graph_server
from obo_cli.demo.stage import server_settings
from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.clock import SystemClock
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.credential import credential_of
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.compact import parse
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from support.callers import connected
from support.world import GRAPH_SCOPE, World

HERE = Path(__file__).parent
GRAPH = Scopes.parse(GRAPH_SCOPE)
CONNECTIONS = 16


@contextmanager
def tenant_process():
    command = [sys.executable, "-m", "obo_tenant", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        about = json.loads(process.stdout.readline())
        import ssl

        trust = ssl.create_default_context(cafile=about["ca_path"])
        with httpx.Client(
            base_url=about["url"], verify=trust, trust_env=False, timeout=300
        ) as http:
            yield World(about["url"], about["ca_path"], http)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@contextmanager
def echo_process(kind, world):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = server_settings(world.about, world.url)
    settings["OBO_MCP_RESOURCE_URL"] = f"http://127.0.0.1:{port}/mcp"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "echo_server.py"), kind, str(port)],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert json.loads(process.stdout.readline())["ready"]
        yield port
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


BARE = "without the middleware"
SIDES = {
    BARE: ("bare", "echo"),
    "middleware": ("protected", "echo"),
    "middleware, token by call": ("protected", "echo_by_call"),
    "middleware, token by parameter": ("protected", "echo_by_parameter"),
}


def overhead(world, *, rounds, seconds):
    """A warm tool behind the middleware against the same server without it, interleaved.

    Every side gets the same request, the Authorization header included.
    """
    token = world.token("adele").reveal()
    figures = {}
    with echo_process("bare", world) as bare, echo_process("protected", world) as guarded:
        ports = {"bare": bare, "protected": guarded}
        for era in ("legacy", "modern"):
            runs = {side: [] for side in SIDES}
            for number in range(rounds + 1):
                for side, (server, tool) in SIDES.items():
                    wire = request(ports[server], era, token, tool, {"text": "hello"})
                    run = asyncio.run(
                        load(
                            ports[server],
                            wire,
                            connections=CONNECTIONS,
                            seconds=seconds,
                            expect=b"hello",
                        )
                    )
                    if number:
                        runs[side].append(run)
            figures[era] = {side: _summary(run, runs[BARE]) for side, run in runs.items()}
    return figures


def _summary(runs, bare):
    ratios = (ours.per_second / theirs.per_second for ours, theirs in zip(runs, bare, strict=True))
    return {
        "ratio": round(statistics.median(ratios), 3),
        "calls_per_second": round(statistics.median(run.per_second for run in runs)),
        "p50_ms": round(statistics.median(run.percentile(0.5) for run in runs), 2),
        "p99_ms": round(statistics.median(run.percentile(0.99) for run in runs), 2),
    }


def caller_of(token):
    """A caller as the verifier would make it; the tenant checks the assertion for real."""
    claims = parse(token).claims
    principal = Principal(
        tid=claims["tid"], oid=claims["oid"], sub=claims["sub"], azp=claims["azp"],
        issuer=claims["iss"], scopes=frozenset({"mcp.access"}), expires_at=claims["exp"],
        token_digest=token.digest(),
    )  # fmt: skip
    return Caller(principal, token, "00000000-0000-4000-8000-000000000000")


def exchanges(world, *, crowd):
    """How many exchanges reach the token endpoint."""
    settings = world.settings("http://127.0.0.1:1/mcp")
    counts = {}

    def run(name, tokens, calls, *, at_once=True):
        world.clear()
        clock = SystemClock()
        transport = TokenEndpointTransport(
            ca_bundle=settings.ca_bundle, timeout_seconds=60, connections=16
        )
        credential = credential_of(settings, clock, transport)
        grant = OnBehalfOfGrant(settings, credential, transport, clock)
        broker = TokenBroker(
            grant.exchange, MemoryTokenCache(50_000, clock), clock, client_id=settings.client_id
        )
        callers = [caller_of(token) for token in tokens]

        async def everybody():
            if at_once:
                asked = [broker.downstream_token(c, GRAPH) for c in callers for _ in range(calls)]
                await asyncio.gather(*asked)
                return
            for start in range(0, len(callers), 100):
                batch = callers[start : start + 100]
                await asyncio.gather(*(broker.downstream_token(c, GRAPH) for c in batch))

        before, started = _rss_kib(), time.perf_counter()
        asyncio.run(everybody())
        spent = time.perf_counter() - started
        gc.collect()
        counts[name] = {
            "exchanges": len(world.exchanges()),
            "seconds": round(spent, 1),
            "rss_growth_kib": _rss_kib() - before,
        }
        grant.close()

    run("20 people x 10 calls", world.crowd(20), 10)
    run("300 people x 3 calls", world.crowd(300), 3)
    run("1 person x 1,000 at once, cold", [world.token("adele")], 1000)
    run(f"{crowd:,} people x 1 call", world.crowd(crowd), 1, at_once=False)
    return counts


def memory_per_entry(world, *, entries=10_000):
    """Bytes that one kept token costs, with a token as long as the tenant's own."""
    sample = world.token("adele").reveal()
    clock = SystemClock()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    cache = MemoryTokenCache(entries, clock)

    async def fill():
        for number in range(entries):
            digest = number.to_bytes(32, "big")
            key = CacheKey(
                assertion_digest=digest, tenant_id="t", client_id="c", resource="r", scopes=("r/s",)
            )
            text = f"{sample[:-8]}{number:08}"
            end = clock.now() + 3600
            token = CachedToken(
                token=Secret(text), scopes=("r/s",), expires_at=end, assertion_expires_at=end
            )
            await cache.put(key, token, token.token)

    asyncio.run(fill())
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"token_bytes": len(sample), "bytes_per_entry": round(grown / entries)}


def graph_figures(world):
    """The Graph server as a process: start, memory, and what a model has to read."""
    settings = server_settings(world.about, world.url)
    started = time.perf_counter()
    with graph_server(settings, Path.cwd()) as server:
        ready = time.perf_counter() - started
        rss = _rss_kib(server._process.pid)
        listed, mails = asyncio.run(_seen(server.url, world))
        text = "".join(block.text for block in mails.content)
        figures = {
            "start_to_ready_seconds": round(ready, 2),
            "idle_rss_mib": round(rss / 1024),
            "tools": len(listed),
            "tools_list_bytes": _json_bytes({"tools": listed}),
            "ten_mails_text_bytes": len(text.encode()),
            "ten_mails_rows": len(mails.structured_content["items"]),
            "rss_after_calls_mib": round(_rss_kib(server._process.pid) / 1024),
        }
    everything = settings | {
        "OBO_MCP_READ_ONLY": "false",
        "OBO_MCP_TOOLS": "core write extra graph",
    }
    with graph_server(everything, Path.cwd()) as server:
        listed, _ = asyncio.run(_seen(server.url, world))
        figures["all_tools_list_bytes"] = _json_bytes({"tools": listed})
    return figures | _first_calls(world, settings)


async def _seen(url, world):
    async with connected(url, world.token("adele")) as client:
        tools = (await client.list_tools()).tools
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        return listed, await client.call_tool("mail_search", {"limit": 10})


def _json_bytes(value):
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _first_calls(world, settings, *, starts=5):
    """The first call after a start, beside the second and that of the next new person.

    The tenant knows everybody already: what it takes to make their mail is not ours.
    """
    calls = {"first": [], "second": [], "of_the_next_person": []}

    async def ask(url):
        async with connected(url, world.token("adele")) as client:
            calls["first"].append(await _timed(client))
            calls["second"].append(await _timed(client))
        async with connected(url, world.token("megan")) as client:
            calls["of_the_next_person"].append(await _timed(client))

    for start in range(starts + 1):
        with graph_server(settings, Path.cwd()) as server:
            asyncio.run(ask(server.url))
        if start == 0:
            calls = {name: [] for name in calls}
    return {f"{name}_call_ms": round(statistics.median(found), 1) for name, found in calls.items()}


async def _timed(client):
    await client.list_tools()
    started = time.perf_counter()
    result = await client.call_tool("mail_search", {"limit": 10})
    assert not result.is_error
    return 1000 * (time.perf_counter() - started)


def floods(world, *, rounds, slice_seconds):
    """A flood of unknown keys while the authority answers, and while it does not."""
    figures = {}
    for name, down in (("endpoint up", False), ("endpoint down", True)):
        with echo_process("aged", world) as port:
            figures[name] = unknown_key_flood(
                world, port, down=down, rounds=rounds, slice_seconds=slice_seconds
            )
    return figures


def many_people(people, entries):
    """Memory and lookups of a process of its own that so many people have called."""
    program = [sys.executable, str(HERE / "people.py"), str(people), str(entries)]
    return json.loads(subprocess.check_output(program, text=True))


def _rss_kib(pid="self"):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def rig():
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": model.strip("\t :"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    report = {"rig": rig()}
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tenant_process() as world:
        report["graph_server"] = graph_figures(world)
        report["tool_calls"] = tool_calls(
            world, rounds=1 if quick else 4, seconds=1 if quick else 2
        )
        report["overhead"] = overhead(world, rounds=2 if quick else 5, seconds=1 if quick else 3)
        report["memory"] = memory_per_entry(world, entries=1000 if quick else 10_000)
        report["exchanges"] = exchanges(world, crowd=200 if quick else 10_000)
        report["exchange_costs"] = exchange_costs(quick=quick)
        report["sealing"] = sealing(entries=200 if quick else 5000)
        report["many_people"] = many_people(*((2000, 500) if quick else (100_000, 20_000)))
        report["shared_cache"] = shared_cache(people=10 if quick else 50)
        report["verification"] = verification(tokens=501 if quick else 5001)
        report["unknown_key_flood"] = floods(
            world, rounds=1 if quick else 6, slice_seconds=2 if quick else 5
        )
    json.dump(report, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
