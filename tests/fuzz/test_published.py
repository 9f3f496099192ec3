"""An authority may answer anything at all: what comes of it is keys, or that there are none."""

import asyncio
import ssl

import pytest
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.shapes import STRICT_JSON, b64, json_bytes
from obo_mcp.errors import KeysUnavailable
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.metadata import AuthorityMetadata
from support.serving import Serving
from support.tokens import TENANT, key

V1 = f"/{TENANT}/.well-known/openid-configuration"
V2 = f"/{TENANT}/v2.0/.well-known/openid-configuration"
KEYS = "/keys"
MODULUS = b64(key("key-one").public_key().public_numbers().n.to_bytes(256))
GOOD = {"kty": "RSA", "kid": "good", "n": MODULUS, "e": "AQAB"}
HALF_ADDRESS = "https://[::1"
ODD = (
    st.sampled_from([HALF_ADDRESS, "https://login.example/a/v2.0", "//\u2100", "", 7]) | STRICT_JSON
)


class World:
    """An authority on a real socket that publishes what an example wants, and its reader."""

    def __init__(self):
        self.bodies = {}

    def build(self, url):
        self.url = url
        self.issuer = f"{url}/{TENANT}/v2.0"
        authority = Authority(host=url, tenant_id=TENANT)
        self.metadata = AuthorityMetadata(authority, ssl.create_default_context())
        return self

    def document(self, **changes):
        members = {"issuer": self.issuer, "jwks_uri": self.url + KEYS}
        return json_bytes(members | changes)

    async def __call__(self, scope, receive, send):
        body = self.bodies.get(scope["path"], b"{}")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def fetch(self, v1, v2, keys):
        self.bodies = {V1: v1, V2: v2, KEYS: keys}
        try:
            return self.runner.run(self.metadata.fetch())
        except KeysUnavailable:
            return {}


@pytest.fixture(scope="module")
def world():
    world = World()
    with Serving(world.build), asyncio.Runner() as world.runner:
        yield world


def documents(world):
    """Bodies of a discovery document: nearly right, any JSON, any octets."""
    addresses = st.sampled_from([world.url + KEYS, f"{world.url}/elsewhere", "http://127.0.0.1:1/"])
    members = st.fixed_dictionaries(
        {}, optional={"issuer": st.just(world.issuer) | ODD, "jwks_uri": addresses | ODD}
    )
    nearly = members.map(lambda changes: world.document(**changes))
    return nearly | STRICT_JSON.map(json_bytes) | st.binary(max_size=40)


def key_sets():
    entries = (
        st.just(GOOD)
        | ODD.map(lambda issuer: GOOD | {"kid": "odd", "issuer": issuer})
        | STRICT_JSON
    )
    sets = st.lists(entries, max_size=3).map(lambda found: json_bytes({"keys": found}))
    return sets | STRICT_JSON.map(json_bytes) | st.binary(max_size=40)


def test_whatever_an_authority_publishes_gives_keys_of_its_own_or_none(world):
    outcomes = []

    @tried(200, v1=documents(world), v2=documents(world), keys=key_sets())
    def holds(v1, v2, keys):
        published = world.fetch(v1, v2, keys)
        outcomes.append(len(published))
        for found in published.values():
            assert found.issuer == world.issuer
            assert found.keys.keys() <= {"good", "odd"}

    holds()
    assert {0, 1, 2} <= set(outcomes)


def test_one_good_document_is_enough_whatever_the_other_says(world):
    keys = json_bytes({"keys": [GOOD]})

    @tried(100, other=documents(world))
    def holds(other):
        assert world.fetch(other, world.document(), keys)["2.0"].keys.keys() == {"good"}

    holds()


def test_one_good_key_is_enough_whatever_issuer_another_key_names(world):
    @tried(100, issuer=ODD)
    def holds(issuer):
        keys = json_bytes({"keys": [GOOD, GOOD | {"kid": "odd", "issuer": issuer}]})
        assert "good" in world.fetch(world.document(), world.document(), keys)["2.0"].keys

    holds()
