"""Sections of `make bench`: what a verification costs, and what a flood of unknown keys does."""

import asyncio
import gc
import statistics
import time
from collections import Counter

import jwt
from wire import Load, answer, load, request

from obo_mcp.clock import SystemClock
from obo_mcp.inbound.compact import parse
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.verifier import AccessTokenVerifier
from support.strangers import strangers
from support.tokens import CLIENT, ISSUER_V2, KID, POLICY, TENANT, claims_v2, key, published, sign

CHUNK = 100
CONNECTIONS = 16
FLOOD_CONNECTIONS = 4
STRANGERS_PER_SECOND = 10_000 / 60
QUIET_SECONDS = 2.0


# --- what a verification costs -----------------------------------------------------------------


class Sides:
    """The same token, verified in several ways; `clock` is the machine's."""

    BARE = "PyJWT alone"
    SIGNATURE = "signature alone"

    def __init__(self):
        self.clock = SystemClock()
        self.keys = SigningKeys(self._fetch, self.clock)
        self.verifier = AccessTokenVerifier({TENANT: self.keys}, POLICY, self.clock)
        self.public = key(KID).public_key()
        self.all = {
            "verifier, new token": self.verifier.verify,
            "verifier, remembered token": self.verifier.verify,
            "parse and claims alone": self.parse_and_claims,
            self.SIGNATURE: self.signature,
            self.BARE: self.bare,
        }

    async def _fetch(self):
        return published()

    async def parse_and_claims(self, token):
        claims = parse(token).claims
        POLICY.origin(claims)
        POLICY.check_issuer(claims, ISSUER_V2)
        POLICY.principal(
            claims, issuer=ISSUER_V2, now=self.clock.now(), token_digest=token.digest()
        )

    async def signature(self, message):
        message.check_signature(self.public)

    async def bare(self, token):
        jwt.decode(
            token.reveal(), self.public, algorithms=["RS256"], audience=CLIENT, issuer=ISSUER_V2,
            leeway=60, options={"require": ["exp", "aud", "iss"]},
        )  # fmt: skip

    async def time_each(self, side, tokens):
        """Nanoseconds for each token."""
        verify, spent = self.all[side], []
        given = [parse(token).message for token in tokens] if side == self.SIGNATURE else tokens
        for each in given:
            begun = time.perf_counter_ns()
            await verify(each)
            spent.append(time.perf_counter_ns() - begun)
        return spent


def verification(*, tokens):
    """One process, one core, sides interleaved in chunks of a hundred tokens."""
    minted = _tokens(tokens)
    sides = Sides()
    spent = {side: [] for side in sides.all}

    async def run():
        await sides.keys.refresh()
        for name in sides.all:  # each way once, with a token that does not count
            await sides.time_each(name, minted[:1])
        for start in range(1, tokens, CHUNK):
            chunk = minted[start : start + CHUNK]
            for name in sides.all:
                spent[name].append(await sides.time_each(name, chunk))

    gc.collect()
    gc.freeze()
    asyncio.run(run())
    gc.unfreeze()
    figures = {name: _figures(chunks, spent[Sides.BARE]) for name, chunks in spent.items()}
    return {"tokens": tokens - 1, "token_bytes": len(minted[0]), **figures}


def _tokens(count):
    """As long as the local tenant's own, each different."""
    now = int(SystemClock().now())
    times = {"iat": now - 10, "nbf": now - 10, "exp": now + 3600}
    entra = {"idtyp": "user", "preferred_username": "adele@contoso.example", "rh": "1." + "r" * 32}
    entra |= {"sid": TENANT, "xms_ftd": "f" * 44}
    return [sign(claims_v2(**times, **entra, uti=f"{number:022}")) for number in range(count)]


def _figures(chunks, bare):
    ratios = (sum(ours) / sum(theirs) for ours, theirs in zip(chunks, bare, strict=True))
    ordered = sorted(each for chunk in chunks for each in chunk)
    return {
        "p50_us": round(statistics.median(ordered) / 1000, 1),
        "p99_us": round(ordered[int(len(ordered) * 0.99)] / 1000, 1),
        "of_pyjwt": round(statistics.median(ratios), 2),
    }


# --- a flood of unknown keys -------------------------------------------------------------------


def unknown_key_flood(world, port, *, down, rounds, slice_seconds):
    """Calls of people we know, while strangers come whose keys nobody has heard of.

    A quiet slice and one under flood take turns. The calls come as fast as they are answered
    ("full"), then at half that pace ("half"), where their time counts from when they were due.
    """
    token = world.token("adele", lifetime_seconds=24 * 3600)
    wire = request(port, "modern", token.reveal(), "echo", {"text": "hello"})
    a_slice = round(slice_seconds * STRANGERS_PER_SECOND)
    unknown = [
        request(port, "modern", stranger.reveal(), "echo", {"text": "hello"})
        for stranger in strangers(token, 2 * rounds * a_slice)
    ]
    statuses = Counter()

    async def turns(calls):
        pairs = []
        for _ in range(rounds):
            quiet = await calls(max(QUIET_SECONDS, slice_seconds / 2))
            wires = [unknown.pop() for _ in range(a_slice)]
            flood = _flood(port, wires, slice_seconds, statuses)
            flooded, _ = await asyncio.gather(calls(slice_seconds), flood)
            pairs.append((quiet, flooded))
        return pairs

    async def run():
        options = {"connections": CONNECTIONS, "expect": b"hello"}
        await load(port, wire, seconds=QUIET_SECONDS, **options)
        world.clear()
        if down:
            world.fault("keys", status=503, count=1_000_000)
        full = await turns(lambda seconds: load(port, wire, seconds=seconds, **options))
        pace = statistics.median(quiet.per_second for quiet, _ in full) / 2
        return full, await turns(lambda seconds: _paced(port, wire, seconds, pace))

    gc.collect()
    gc.freeze()
    full, half = asyncio.run(run())
    gc.unfreeze()
    fetches = max(Counter(entry["path"] for entry in world.log("keys")).values(), default=0)
    world.clear()
    return {
        "answers_to_strangers": dict(statuses),
        "flood_seconds": 2 * rounds * slice_seconds,
        "key_fetches": fetches,
        "full": _compared(full),
        "half": _compared(half),
    }


async def _paced(port, wire, seconds, per_second):
    calls = []
    count = int(seconds * per_second / CONNECTIONS)
    begun = time.perf_counter()

    async def one(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(count):
            due = begun + (turn + number / CONNECTIONS) * CONNECTIONS / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(wire)
            head, body = await answer(reader)
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
            assert b"hello" in body, body[:300]
            calls.append(time.perf_counter() - due)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return Load(time.perf_counter() - begun, calls)


async def _flood(port, wires, seconds, statuses):
    """All of `wires`, evenly spread over `seconds`; counts the answers."""
    begun = time.perf_counter()

    async def one(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(number, len(wires), FLOOD_CONNECTIONS):
            due = begun + seconds * turn / len(wires)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(wires[turn])
            head, _ = await answer(reader)
            told = " with Retry-After" if b"\r\nretry-after: " in head.lower() else ""
            statuses[head[9:12].decode() + told] += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one(number) for number in range(FLOOD_CONNECTIONS)))


def _compared(pairs):
    """Medians; the ratios are those of neighbours in time."""

    def median(value, digits=2):
        return round(statistics.median(value(quiet, flooded) for quiet, flooded in pairs), digits)

    def p99(run):
        return run.percentile(0.99)

    return {
        "quiet": {
            "calls_per_second": round(median(lambda quiet, _: quiet.per_second)),
            "p99_ms": median(lambda quiet, _: p99(quiet)),
        },
        "flooded": {
            "calls_per_second": round(median(lambda _, flooded: flooded.per_second)),
            "p99_ms": median(lambda _, flooded: p99(flooded)),
        },
        "throughput_ratio": median(lambda q, f: f.per_second / q.per_second, 3),
        "p99_ratio": median(lambda q, f: p99(f) / p99(q)),
    }
