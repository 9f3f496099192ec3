"""What is left in a process after exchanges: a program that makes some, then looks at itself.

python heap_scan.py, with the settings in the environment and on standard input a JSON object of
`tokens`, `plant` (keep a refresh token and an id token on purpose) and `refresh` (how a refresh
token begins). Standard output tells how many different tokens of each kind were found: in the
objects that are alive, and in all memory that this process may write to.
"""

import asyncio
import base64
import gc
import json
import re
import sys
from pathlib import Path

import msal

sys.path.insert(0, str(Path(__file__).parents[1]))

from obo_mcp import Settings
from obo_mcp.clock import SystemClock
from obo_mcp.composition import grant as grant_of
from obo_mcp.composition import token_cache
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.compact import parse
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret

GRAPH = "https://graph.microsoft.com/.default"
JWT = re.compile(rb"eyJ[\w-]{10,4000}\.(eyJ[\w-]{20,8000})\.[\w-]{80,}")
REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")


def caller_of(token):
    claims = parse(token).claims
    principal = Principal(
        tid=claims["tid"], oid=claims["oid"], sub=claims["sub"], azp=claims["azp"],
        issuer=claims["iss"], scopes=frozenset({"mcp.access"}), expires_at=claims["exp"],
        token_digest=token.digest(),
    )  # fmt: skip
    return Caller(principal, token, "00000000-0000-4000-8000-000000000000")


async def exchange_all(broker, tokens):
    callers = [caller_of(Secret(token)) for token in tokens]
    asked = (broker.downstream_token(caller, Scopes.parse(GRAPH)) for caller in callers)
    await asyncio.gather(*asked)


def as_msal_would(settings, token):
    """An exchange without our walls: what comes back is whole."""
    return msal.ConfidentialClientApplication(
        settings.client_id,
        client_credential=settings.client_secret.reveal(),
        authority=f"{settings.authority_host}/{settings.tenant_id}",
        instance_discovery=False,
        http_client=TokenEndpointTransport(
            ca_bundle=settings.ca_bundle, timeout_seconds=10, connections=1
        ),
    ).acquire_token_on_behalf_of(token, [GRAPH])


class Findings:
    """Different tokens, by kind: `access`, `id` and `refresh`."""

    def __init__(self, refresh):
        self._refresh = re.compile(re.escape(refresh.encode()) + rb"[\w-]{20,}")
        self.found = {"access": set(), "id": set(), "refresh": set()}

    def look(self, octets):
        for match in JWT.finditer(octets):
            claims = claims_in(match[1])
            if claims is not None:
                self.found["access" if "scp" in claims else "id"].add(hash(match[1]))
        self.found["refresh"].update(hash(each) for each in self._refresh.findall(octets))

    @property
    def counts(self):
        return {kind: len(tokens) for kind, tokens in self.found.items()}


def claims_in(part):
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) and "tid" in claims else None


def living(findings):
    """Every string and every run of octets that some object holds."""
    gc.collect()
    seen, waiting = set(), [gc.get_objects()]
    seen.update(map(id, waiting))
    while waiting:
        for each in gc.get_referents(waiting.pop()):
            if id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, str):
                findings.look(each.encode("utf-8", "surrogatepass"))
            elif isinstance(each, bytes | bytearray):
                findings.look(bytes(each))
            else:
                waiting.append(each)
    return findings.counts


def memory(findings):
    """All of it, freed or not: the allocator does not wipe what it takes back."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    with Path("/proc/self/mem").open("rb", buffering=0) as octets:
        for line in maps:
            if (region := REGION.match(line)) and "[v" not in line:
                start, end = (int(bound, 16) for bound in region.groups())
                octets.seek(start)
                findings.look(octets.read(end - start))
    return findings.counts


def main():
    order, settings, clock = json.load(sys.stdin), Settings.from_env(), SystemClock()
    grant, cache = grant_of(settings, clock, None), token_cache(settings, clock)
    broker = TokenBroker(grant.exchange, cache, clock, client_id=settings.client_id)
    asyncio.run(exchange_all(broker, order["tokens"]))
    planted = as_msal_would(settings, order["tokens"][0]) if order["plant"] else None
    report = {
        "kept": len(cache),
        "planted": sorted(planted or ()),
        "living": living(Findings(order["refresh"])),
        "memory": memory(Findings(order["refresh"])),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
