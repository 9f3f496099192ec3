"""What an authority publishes: fetched from its own host, bounded, and read with suspicion."""

import json
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from obo_mcp.errors import KeysUnavailable
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.metadata import MAX_DOCUMENT_BYTES, AuthorityMetadata
from support.serving import Serving
from support.tokens import key

V1 = "/t/.well-known/openid-configuration"
V2 = "/t/v2.0/.well-known/openid-configuration"


def jwk(name="key-one", **changes):
    entry = RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
    return entry | {"kid": name, "use": "sig"} | changes


class Publisher:
    """Publishes whatever a test wants, path by path."""

    def __init__(self):
        self.url = ""
        self.asked = []
        self.keys = [jwk()]
        self.instead = {}
        self.issuer = ""

    def build(self, url):
        self.url = url
        return self

    def document(self, path):
        if path.endswith("/keys"):
            return {"keys": self.keys}
        issuer = self.issuer or f"{self.url}/t/v2.0"
        return {"issuer": issuer, "jwks_uri": f"{self.url}/t/keys"}

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        path = scope["path"]
        self.asked.append(path)
        status, body, headers = self.instead.get(path, (200, None, []))
        if body is None:
            body = json.dumps(self.document(path)).encode()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def served():
    authority = Publisher()
    with Serving(authority.build):
        yield authority


@pytest.fixture
def authority(served):
    served.keys, served.instead, served.asked, served.issuer = [jwk()], {}, [], ""
    return served


@pytest.fixture
def fetch(authority):
    return AuthorityMetadata(Authority(authority.url, "t"), ssl.create_default_context()).fetch


async def test_issuer_and_keys_of_both_token_versions_are_fetched(authority, fetch):
    authority.keys = [jwk(), jwk("key-two", issuer=f"{authority.url}/t/v2.0")]
    published = await fetch()
    assert set(published) == {"1.0", "2.0"}
    assert published["2.0"].issuer == f"{authority.url}/t/v2.0"
    assert set(published["2.0"].keys) == {"key-one", "key-two"}
    assert sorted(authority.asked) == sorted([V1, V2, "/t/keys", "/t/keys"])


async def test_a_key_that_any_tenant_may_use_names_its_issuer_by_template(authority, fetch):
    authority.keys = [jwk(issuer=f"{authority.url}/{{tenantid}}/v2.0")]
    authority.issuer = f"{authority.url}/t/v2.0"
    assert set((await fetch())["2.0"].keys) == {"key-one"}


def weak_key():
    # 1024 bits on purpose: it must not be taken
    weak = generate_private_key(public_exponent=65537, key_size=1024)
    return RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True) | {"kid": "weak"}


def curve_key():
    return ECAlgorithm.to_jwk(generate_ec_key(SECP256R1()).public_key(), as_dict=True)


PASSED_OVER = {
    "an elliptic curve key": curve_key() | {"kid": "ec"},
    "a key to encrypt with": jwk("other", use="enc"),
    "a key of another issuer": jwk("other", issuer="https://elsewhere.example/"),
    "a weak key": weak_key(),
    "a key without a kid": jwk("other", kid=None),
    "a key without a modulus": jwk("other", n=""),
    "a modulus that is a number": jwk("other", n=7),
    "a key that is text": "key",
}


@pytest.mark.parametrize("entry", PASSED_OVER.values(), ids=PASSED_OVER)
async def test_entries_of_another_kind_are_passed_over(authority, fetch, entry):
    authority.keys = [jwk(), entry]
    assert set((await fetch())["2.0"].keys) == {"key-one"}
    authority.keys = [entry]
    with pytest.raises(KeysUnavailable):
        await fetch()


async def test_two_keys_under_one_kid_are_not_chosen_between(authority, fetch):
    authority.keys = [jwk(), jwk("key-two", kid="key-one")]
    with pytest.raises(KeysUnavailable):
        await fetch()


ODD = {
    "not found": (404, b"{}", []),
    "an error": (500, b"{}", []),
    "moved": (302, b"", [(b"location", b"/t/elsewhere")]),
    "not JSON": (200, b"<html>", []),
    "not UTF-8": (200, b'{"issuer":"\xff"}', []),
    "a list": (200, b"[]", []),
    "no members": (200, b"{}", []),
    "members of another type": (200, b'{"issuer":1,"jwks_uri":[],"keys":{}}', []),
    "too large": (200, b'{"x":"' + b"x" * MAX_DOCUMENT_BYTES + b'"}', []),
    "keys on another host": (
        200,
        b'{"issuer":"i","jwks_uri":"https://evil.example/keys"}',
        [],
    ),
    "keys at no address": (200, b'{"issuer":"i","jwks_uri":"https://[bad/"}', []),
    "keys at an odd address": (200, b'{"issuer":"i","jwks_uri":"http://h/\\u0001"}', []),
    "deep": (200, b"[" * 100_000, []),
}


@pytest.mark.parametrize("paths", [(V1, V2), ("/t/keys",)], ids=["documents", "keys"])
@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
async def test_an_odd_answer_leaves_us_without_new_keys_and_leads_nowhere(
    authority, fetch, paths, answer
):
    authority.instead = dict.fromkeys(paths, answer)
    with pytest.raises(KeysUnavailable):
        await fetch()
    assert set(authority.asked) <= {V1, V2, "/t/keys"}


@pytest.mark.parametrize(("broken", "good"), [(V1, "2.0"), (V2, "1.0")])
@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
async def test_one_token_version_without_use_leaves_the_other(
    authority, fetch, broken, good, answer
):
    authority.instead = {broken: answer}
    assert set(await fetch()) == {good}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTPS_PROXY", "socks://x:1"), ("ALL_PROXY", "socks5://x:1"), ("NO_PROXY", "fd00::/8,::1")],
)
async def test_a_proxy_variable_that_makes_no_sense_is_an_outage_not_a_crash(
    fetch, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(KeysUnavailable) as caught:
        await fetch()
    assert caught.value.__cause__ is not None


async def test_an_authority_that_nobody_answers_for_is_unavailable():
    nobody = AuthorityMetadata(Authority("https://127.0.0.1:9", "t"), ssl.create_default_context())
    with pytest.raises(KeysUnavailable) as caught:
        await nobody.fetch()
    assert caught.value.__cause__ is not None
