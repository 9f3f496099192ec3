"""The forged corpus: nothing in it is let in, everything gets its own refusal, and at once.

A loop per promise and not a test per item, so that one run shows all that is wrong.
"""

import base64
import json
import time
import traceback
import tracemalloc
from collections import Counter, defaultdict
from pathlib import Path
from types import MappingProxyType

import pytest

from obo_mcp import errors
from obo_mcp.errors import OboError
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.jwk import verification_keys
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import IssuerKeys
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.secret import Secret
from support.clock import ManualClock
from support.tokens import NOW
from vectors.forging import frozen

CORPUS = frozen.read()
FORGED = [item for item in CORPUS["items"] if item["family"] != "control"]
CONTROLS = [item for item in CORPUS["items"] if item["family"] == "control"]
STRUCTURAL = {"algorithm", "key choice", "header", "structure", "claims"}
SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
REPETITIONS = 5
WORTH_HIDING = 8
PERSONAL = ("oid", "sub", "upn", "preferred_username", "unique_name", "name", "uti", "kid")


class Doors:
    """One verifier for every policy in the corpus, its keys already fetched."""

    def __init__(self):
        self._clock = ManualClock(float(CORPUS["now"]))
        self._opened = {}

    async def verify(self, item, token):
        door = await self._door(item.get("policy", {}))
        return await door.verify(token)

    async def refusal(self, item, token):
        try:
            await self.verify(item, token)
        except Exception as error:  # noqa: BLE001 - a wrong error is a finding of this test
            return error
        return None

    async def _door(self, changes):
        name = json.dumps(changes)
        if name not in self._opened:
            self._opened[name] = await self._open(policy(CORPUS["policy"] | changes))
        return self._opened[name]

    async def _open(self, rules):
        keys = {tenant: SigningKeys(publisher(tenant), self._clock) for tenant in rules.tenants}
        for each in keys.values():
            await each.refresh()
        return AccessTokenVerifier(keys, rules, self._clock)


@pytest.fixture
def doors():
    return Doors()


def policy(members):
    sets = {name: frozenset(value) for name, value in members.items() if isinstance(value, list)}
    return ClaimsPolicy(**(members | sets))


def publisher(tenant):
    """What the authority of `tenant` publishes: its key sets, without the keys of other issuers."""
    authority = Authority("https://login.microsoftonline.com", tenant)
    documents = CORPUS["keys"][tenant]
    issuers = {document["issuer"] for document in documents.values()}

    async def fetch():
        return MappingProxyType(
            {
                version: IssuerKeys(document["issuer"], ours(document["jwks"], issuers, authority))
                for version, document in documents.items()
            }
        )

    return fetch


def ours(jwks, issuers, authority):
    return MappingProxyType(
        {
            kid: found.key
            for kid, found in verification_keys(jwks).items()
            if found.issuer is None or authority.issuer(found.issuer) in issuers
        }
    )


def text_of(item):
    return frozen.text_of(item["token"])


def table(failures):
    return "\n".join(["", *(f"{name}: {what}" for name, what in failures.items())])


@pytest.mark.promise("P-01")
async def test_every_forged_token_is_refused_with_its_own_error(doors):
    failures = {}
    for item in FORGED:
        error = await doors.refusal(item, Secret(text_of(item)))
        if type(error) is not getattr(errors, item["expected"]):
            got = "accepted" if error is None else type(error).__name__
            failures[item["id"]] = f"{got}, not {item['expected']} ({item['reason']})"
    assert not failures, table(failures)


@pytest.mark.promise("P-01")
async def test_every_good_token_among_them_is_accepted(doors):
    failures = {}
    for item in CONTROLS:
        if error := await doors.refusal(item, Secret(text_of(item))):
            failures[item["id"]] = f"{type(error).__name__} ({item['reason']})"
    assert not failures, table(failures)


@pytest.mark.promise("P-01")
def test_the_corpus_is_as_large_and_wide_as_promised():
    families = Counter(item["family"] for item in CORPUS["items"])
    assert families.keys() == STRUCTURAL | {"kind", "control"}
    assert sum(families[name] for name in STRUCTURAL) >= 300
    assert families["kind"] >= 60
    assert families["control"] >= 12
    assert min(families.values()) >= 12
    assert CORPUS["now"] == NOW


def test_the_page_about_the_corpus_counts_as_it_is():
    page = Path(__file__).with_name("README.md").read_text("utf-8")
    families = Counter(item["family"] for item in CORPUS["items"])
    rows = [f"| {name} | {size} |" for name, size in families.items()]
    assert [row for row in rows if row not in page] == []
    assert f"holds {families.total():,} access tokens" in page


def test_no_two_items_share_an_id_or_a_token():
    by_id, by_token = defaultdict(list), defaultdict(list)
    for item in CORPUS["items"]:
        by_id[item["id"]].append(item["id"])
        by_token[text_of(item)].append(item["id"])
    assert [names for names in by_id.values() if len(names) > 1] == []
    assert [names for names in by_token.values() if len(names) > 1] == []


def test_every_item_says_what_is_wrong_and_who_says_so():
    silent = [i["id"] for i in CORPUS["items"] if not (i["reason"] and i["clause"])]
    foreign = [i["id"] for i in FORGED if not issubclass(getattr(errors, i["expected"]), OboError)]
    assert (silent, foreign) == ([], [])
    assert {item["expected"] for item in CONTROLS} == {""}


def test_the_corpus_holds_no_private_key():
    published = [
        entry
        for versions in CORPUS["keys"].values()
        for document in versions.values()
        for entry in document["jwks"]["keys"]
    ]
    assert len(published) > 12
    assert [entry["kid"] for entry in published if SECRET_MEMBERS & entry.keys()] == []


@pytest.mark.promise("P-01")
async def test_a_refusal_repeats_nothing_of_the_token(doors):
    failures = {}
    for item in FORGED:
        text = text_of(item)
        error = await doors.refusal(item, Secret(text))
        said = "".join(traceback.format_exception(error)).lower() + repr(error).lower()
        told = [name for name, value in revealing(text) if value.lower() in said]
        if told:
            failures[item["id"]] = f"repeats {', '.join(told)}"
    assert not failures, table(failures)


def revealing(text):
    """What must not come back: the token, its parts, and whom or which key it names."""
    parts = text.split(".")[:6]
    found = [("the token", text), *((f"part {number}", part) for number, part in enumerate(parts))]
    for part in parts[:2]:
        members = loosely(part)
        found += [(name, str(members[name])) for name in PERSONAL if name in members]
    return [(name, value) for name, value in found if len(value) >= WORTH_HIDING]


def loosely(part):
    try:
        members = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


@pytest.mark.promise("P-01")
async def test_a_refusal_takes_less_than_two_milliseconds(doors):
    spent = {}
    for item in FORGED:
        token = Secret(text_of(item))
        spent[item["id"]] = min([await seconds(doors, item, token) for _ in range(REPETITIONS)])
    slowest = sorted(spent, key=spent.get)
    ninety_ninth = slowest[int(len(slowest) * 0.99)]
    late = {name: f"{spent[name] * 1000:.2f} ms" for name in slowest[-12:]}
    assert spent[ninety_ninth] < 0.002, table(late)


async def seconds(doors, item, token):
    started = time.perf_counter()
    await doors.refusal(item, token)
    return time.perf_counter() - started


@pytest.mark.promise("P-01")
async def test_a_refusal_allocates_less_than_a_mebibyte(doors):
    failures = {}
    for item in FORGED:
        token = Secret(text_of(item))
        await doors.refusal(item, token)
        peak = await allocated(doors, item, token)
        if peak >= 1 << 20:
            failures[item["id"]] = f"{peak} bytes"
    assert not failures, table(failures)


async def allocated(doors, item, token):
    tracemalloc.start()
    try:
        await doors.refusal(item, token)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_frozen_corpus_is_what_the_generator_makes():
    started = time.process_time()
    made, kept = frozen.meaning(frozen.corpus()), frozen.meaning(CORPUS)
    assert [entry for entry in made if entry not in kept] == []
    assert made == kept
    assert time.process_time() - started < 10
