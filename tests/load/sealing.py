"""Section of `make bench`: what it costs to name, seal and open one entry of the shared cache."""

import base64
import gc
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.envelope import Envelope
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.clock import SystemClock
from obo_mcp.secret import Secret

TOKEN_BYTES = 2000


def sealing(*, entries, ring_keys=1):
    """One process, one core: microseconds for each of `entries`, all of different people."""
    clock = SystemClock()
    keys = [Secret(base64.b64encode(os.urandom(32)).decode()) for _ in range(ring_keys)]
    envelope = Envelope(KeyRing(keys))
    people = [_person(number, clock) for number in range(entries)]
    now = clock.now()
    gc.collect()
    gc.freeze()
    names = [_timed(envelope.names, key) for key, _, _ in people]
    sealed = [_timed(envelope.seal, *person) for person in people]
    opened = [
        _timed(envelope.open, *envelop, assertion, now)
        for (envelop, _), (_, _, assertion) in zip(sealed, people, strict=True)
    ]
    gc.unfreeze()
    assert all(entry == person[1] for (entry, _), person in zip(opened, people, strict=True))
    spent = {"names": names, "seal": sealed, "open": opened}
    figures = {what: _figures([ns for _, ns in each]) for what, each in spent.items()}
    return {"entries": entries, "token_bytes": TOKEN_BYTES, "ring_keys": ring_keys, **figures}


def _person(number, clock):
    assertion = Secret(f"{number:08}".ljust(TOKEN_BYTES, "a"))
    key = CacheKey(
        assertion_digest=assertion.digest(),
        tenant_id="11111111-1111-1111-1111-111111111111",
        client_id="22222222-2222-2222-2222-222222222222",
        resource="https://graph.microsoft.com",
        scopes=("https://graph.microsoft.com/Mail.Read",),
    )
    entry = CachedToken(
        token=Secret(f"{number:08}".ljust(TOKEN_BYTES, "t")),
        scopes=key.scopes,
        expires_at=clock.now() + 3600,
        assertion_expires_at=clock.now() + 3600,
    )
    return key, entry, assertion


def _timed(work, *given):
    begun = time.perf_counter_ns()
    outcome = work(*given)
    return outcome, time.perf_counter_ns() - begun


def _figures(spent):
    return {
        "p50_us": round(statistics.median(spent) / 1000, 1),
        "p99_us": round(statistics.quantiles(spent, n=100)[98] / 1000, 1),
    }


def figures(entries=20_000):
    """Lines for people."""
    lines = []
    for ring_keys in (1, 2):
        measured = sealing(entries=entries, ring_keys=ring_keys)
        for what in ("names", "seal", "open"):
            spent = measured[what]
            lines.append(
                f"{what}, {ring_keys} ring key(s), {TOKEN_BYTES} bytes: "
                f"p50 {spent['p50_us']} us, p99 {spent['p99_us']} us"
            )
    return lines


if __name__ == "__main__":
    print("\n".join(figures()))
