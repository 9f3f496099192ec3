"""What an authority publishes: fetched from its own host, bounded, and read with suspicion."""

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import tracemalloc
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from obo_mcp.errors import KeysUnavailable
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.metadata import MAX_DOCUMENT_BYTES, AuthorityMetadata
from support.looptime import leaping, passing
from support.serving import Serving
from support.tokens import TENANT, key

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
        self.issuer_v1 = ""

    def build(self, url):
        self.url = url
        return self

    def document(self, path):
        if path.endswith("/keys"):
            return {"keys": self.keys}
        issuer = self.issuer or f"{self.url}/t/v2.0"
        if path == V1:
            issuer = self.issuer_v1 or issuer
        return {"issuer": issuer, "jwks_uri": f"{self.url}/t/keys"}

    async def __call__(self, scope, receive, send):
        assert (scope["type"], scope["method"]) == ("http", "GET")
        assert dict(scope["headers"])[b"accept-encoding"] == b"identity"
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
    served.keys, served.instead, served.asked = [jwk()], {}, []
    served.issuer = served.issuer_v1 = ""
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


async def test_documents_may_name_their_issuer_by_template(authority, fetch):
    authority.issuer = "https://login.example/{tenantid}/v2.0"
    authority.issuer_v1 = "https://sts.example/{tenantid}/"
    published = await fetch()
    assert published["2.0"].issuer == "https://login.example/t/v2.0"
    assert published["1.0"].issuer == "https://sts.example/t/"


FOREIGN_ISSUERS = {
    "another tenant": f"https://login.example/{TENANT}/v2.0",
    "personal accounts": "https://login.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    "another host": "https://elsewhere.example/t/v2.0",
    "a template of another host": "https://elsewhere.example/{tenantid}/v2.0",
    "ours in capitals": "https://login.example/T/v2.0",
    "nobody": "",
    "a number": 7,
}


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("issuer", FOREIGN_ISSUERS.values(), ids=FOREIGN_ISSUERS)
async def test_the_keys_of_other_issuers_in_a_shared_set_are_passed_over(authority, fetch, issuer):
    authority.issuer = "https://login.example/t/v2.0"
    authority.issuer_v1 = "https://sts.example/t/"
    authority.keys = [
        jwk("key-two", issuer=issuer),
        jwk("filled", issuer="https://login.example/t/v2.0"),
        jwk("template", issuer="https://login.example/{tenantid}/v2.0"),
        jwk("v1", issuer="https://sts.example/{tenantid}/"),
        jwk("silent"),
    ]
    assert set((await fetch())["2.0"].keys) == {"filled", "template", "v1", "silent"}


async def test_a_document_of_another_tenant_is_of_no_use(authority, fetch):
    authority.issuer = f"https://login.example/{TENANT}/v2.0"
    authority.issuer_v1 = "https://sts.example/t/"
    assert set(await fetch()) == {"1.0"}


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


AMBIGUOUS = {
    "our key with its private exponent": [jwk(d="AQAB")],
    "another key with a prime": [jwk(), jwk("key-two", issuer="https://x.example/", p="AQAB")],
    "a symmetric key": [jwk(), {"kty": "oct", "k": "AQAB", "kid": "shared"}],
    "a private key that could not be used": [jwk(), {"kty": "EC", "d": "AQAB"}],
}


@pytest.mark.parametrize("keys", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_a_set_that_publishes_a_secret_is_not_used_at_all(authority, fetch, keys):
    authority.keys = keys
    with pytest.raises(KeysUnavailable):
        await fetch()


async def test_a_document_that_says_something_twice_is_not_believed(authority, fetch):
    document, keys = (json.dumps(authority.document(path))[1:-1] for path in (V2, "/t/keys"))
    entry = keys.removeprefix('"keys": [{').removesuffix("}]")
    for path, body in (
        (V2, f"{{{document},{document}}}"),
        ("/t/keys", f"{{{keys},{keys}}}"),
        ("/t/keys", f'{{"keys":[{{{entry},"kid":"other"}}]}}'),
    ):
        authority.instead = {path: (200, body.encode(), [])}
        if path == V2:
            assert set(await fetch()) == {"1.0"}
        else:
            with pytest.raises(KeysUnavailable):
                await fetch()
    authority.instead = {"/t/keys": (200, f'{{"keys":[{{{entry}}}]}}'.encode(), [])}
    assert set(await fetch()) == {"1.0", "2.0"}


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


async def test_what_went_wrong_is_kept_as_the_cause_and_the_keys_fault_first(authority, fetch):
    for instead in (
        {V1: (200, b"<html>", []), V2: (404, b"{}", [])},
        {V1: (404, b"{}", []), "/t/keys": (200, b"<html>", [])},
    ):
        authority.instead = instead
        with pytest.raises(KeysUnavailable) as caught:
            await fetch()
        assert str(caught.value.__cause__) == "not one plain JSON object"


async def test_good_keys_in_a_bad_answer_are_not_believed(authority, fetch):
    body = json.dumps({"keys": [jwk()]}).encode()
    for answer in (
        (404, body, []),
        (500, body, []),
        (203, body, []),
        (200, gzip.compress(body), [(b"content-encoding", b"gzip")]),
        (200, body, [(b"Content-Encoding", b"identity")]),
    ):
        authority.instead = {"/t/keys": answer}
        with pytest.raises(KeysUnavailable):
            await fetch()
    authority.instead = {"/t/keys": (200, body, [])}
    assert set(await fetch()) == {"1.0", "2.0"}


async def test_a_document_may_be_256_kib_long_and_not_a_byte_more(authority, fetch):
    body = json.dumps({"keys": [jwk()]}).encode()
    for size, published in ((256 * 1024, {"1.0", "2.0"}), (256 * 1024 + 1, None)):
        authority.instead = {"/t/keys": (200, body.ljust(size), [])}
        if published:
            assert set(await fetch()) == published
        else:
            with pytest.raises(KeysUnavailable):
                await fetch()


@pytest.fixture
def elsewhere():
    """Another server: who is told to go there must not. Whoever connects waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def was_visited(listener):
    with contextlib.suppress(BlockingIOError):
        listener.accept()[0].close()
        return True
    return False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("paths", [(V1, V2), ("/t/keys",)], ids=["documents", "keys"])
async def test_no_redirect_is_followed(authority, fetch, elsewhere, paths, status):
    address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
    answer = (status, b"", [(b"location", address.encode())])
    authority.instead = dict.fromkeys(paths, answer)
    with pytest.raises(KeysUnavailable):
        await fetch()
    assert not was_visited(elsewhere)


async def test_no_document_leads_to_another_host(authority, fetch, elsewhere):
    port = elsewhere.getsockname()[1]
    issuer = f"{authority.url}/t/v2.0"
    own = authority.url.removeprefix("http://")
    for address in (
        f"http://127.0.0.1:{port}/t/keys",
        f"http://localhost:{port}/t/keys",
        f"http://{own}@127.0.0.1:{port}/t/keys",
        f"//127.0.0.1:{port}/t/keys",
    ):
        body = json.dumps({"issuer": issuer, "jwks_uri": address}).encode()
        authority.instead = dict.fromkeys((V1, V2), (200, body, []))
        with pytest.raises(KeysUnavailable):
            await fetch()
    assert not was_visited(elsewhere)
    socket.create_connection(("127.0.0.1", port)).close()
    assert was_visited(elsewhere)


@asynccontextmanager
async def serving(answer, context=None):
    """A server in the test's own loop: `answer(path, send)` says what each request gets."""
    conversations = []

    async def one(reader, writer):
        conversations.append(asyncio.current_task())

        writer.transport.set_write_buffer_limits(0)

        async def send(raw):
            writer.write(raw)
            await writer.drain()

        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            await answer(path, send)
            await reader.read()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the other end, or the test, has had enough
        finally:
            writer.transport.abort()

    listener = socket.create_server(("127.0.0.1", 0))
    # what is written is what the other end takes: no megabytes that wait on our side
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    scheme = "https" if context else "http"
    async with await asyncio.start_server(one, sock=listener, ssl=context):
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await asyncio.sleep(0)


def a_fetch(url, context=None):
    return AuthorityMetadata(Authority(url, "t"), context or ssl.create_default_context()).fetch()


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


async def a_good_answer(path, send, url):
    body = {"issuer": f"{url}/t/v2.0", "jwks_uri": f"{url}{path.rpartition('/.well')[0]}/keys"}
    if path.endswith("/keys"):
        body = {"keys": [jwk()]}
    text = json.dumps(body).encode()
    await send(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(text), text))


LENGTHS = {"a length": b"Content-Length: 99999999999\r\n\r\n", "no length": b"\r\n"}


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("where", ["configuration", "keys"])
@leaping
async def test_an_endless_body_is_cut_off(where, length):
    sent = {}

    async def answer(path, send):
        if not path.endswith(where):
            await a_good_answer(path, send, url)
            return
        await send(HEAD + length)
        while sent.setdefault(path, 0) < 32 * MAX_DOCUMENT_BYTES:
            await send(b" " * 1024)
            sent[path] += 1024

    async with serving(answer) as url:
        with pytest.raises(KeysUnavailable):
            await a_fetch(url)
        assert asyncio.get_running_loop().time() == 0
    assert len(sent) == 2
    # what was under way when the limit was reached comes on top
    assert MAX_DOCUMENT_BYTES - 1024 <= max(sent.values()) < 4 * MAX_DOCUMENT_BYTES


@pytest.mark.parametrize("where", ["configuration", "keys"])
@pytest.mark.parametrize("slow", ["head", "body"])
@leaping
async def test_an_answer_that_drips_ends_with_the_time_for_the_whole_fetch(where, slow):
    async def answer(path, send):
        if not path.endswith(where):
            await a_good_answer(path, send, url)
            return
        await send(HEAD + (b"Content-Length: 1000\r\n\r\n" if slow == "body" else b"x: "))
        while True:
            await passing(1)
            await send(b" ")

    async with serving(answer) as url:
        with pytest.raises(KeysUnavailable):
            await a_fetch(url)
        assert asyncio.get_running_loop().time() == pytest.approx(7.5)


@pytest.mark.parametrize(("where", "longest"), [("configuration", 5), ("keys", 5)])
@leaping
async def test_silence_is_an_outage_after_five_seconds_for_each_answer(where, longest):
    async def answer(path, send):
        if not path.endswith(where):
            await a_good_answer(path, send, url)

    async with serving(answer) as url:
        with pytest.raises(KeysUnavailable):
            await a_fetch(url)
        assert asyncio.get_running_loop().time() == pytest.approx(longest)


@leaping
async def test_the_silence_of_one_token_version_leaves_the_other():
    async def answer(path, send):
        if path != V1:
            await a_good_answer(path, send, url)

    async with serving(answer) as url:
        assert set(await a_fetch(url)) == {"2.0"}
        assert asyncio.get_running_loop().time() == pytest.approx(5)


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate for 127.0.0.1 that vouches for itself, and its key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    authority = x509.BasicConstraints(ca=True, path_length=0)
    builder = x509.CertificateBuilder(name, name, key("tls").public_key(), 1)
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
    builder = builder.add_extension(address, critical=False)
    signed = builder.add_extension(authority, critical=True).sign(key("tls"), SHA256())
    shape = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM) + key("tls").private_bytes(*shape))
    return path


async def test_an_authority_is_known_by_the_certificates_that_we_were_given(certificate):
    async def answer(path, send):
        await a_good_answer(path, send, url)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(answer, context) as url:
        trust = ssl.create_default_context(cafile=str(certificate))
        assert set(await a_fetch(url, trust)) == {"1.0", "2.0"}
        with pytest.raises(KeysUnavailable):
            await a_fetch(url)


async def test_a_compressed_answer_is_refused_before_it_is_unpacked(authority, fetch):
    bomb = gzip.compress(b" " * (50 << 20))
    authority.instead = {"/t/keys": (200, bomb, [(b"content-encoding", b"gzip")])}
    tracemalloc.start()
    try:
        with pytest.raises(KeysUnavailable) as caught:
            await fetch()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(caught.value.__cause__) == "the answer is compressed"
    assert peak < 4 << 20


async def test_only_the_versions_that_are_wanted_are_asked_for(authority):
    trust = ssl.create_default_context()
    wanted = AuthorityMetadata(Authority(authority.url, "t"), trust, ["2.0"])
    assert set(await wanted.fetch()) == {"2.0"}
    assert authority.asked == [V2, "/t/keys"]


REASONS = {
    "a status": ({V2: (400, b"{}", [])}, "answered with status 400"),
    "another tenant": ({V2: (200, b'{"issuer":"https://i/x","jwks_uri":"k"}', [])}, "tenant's"),
    "another host": (
        {V2: (200, b'{"issuer":"https://i/t","jwks_uri":"https://evil.example/k"}', [])},
        "on a host that is not the authority's",
    ),
    "too long": ({V2: (200, b" " * 300_000, [])}, "longer than 256 KiB"),
    "an empty set": ({"/t/keys": (200, b'{"keys":[]}', [])}, "no usable"),
}


@pytest.mark.parametrize(("instead", "reason"), REASONS.values(), ids=REASONS)
async def test_an_operator_can_tell_one_failure_from_another(authority, instead, reason):
    authority.instead = instead
    metadata = AuthorityMetadata(
        Authority(authority.url, "t"), ssl.create_default_context(), ["2.0"]
    )
    with pytest.raises(KeysUnavailable) as caught:
        await metadata.fetch()
    assert reason in str(caught.value.__cause__)
    assert "evil" not in str(caught.value.__cause__)
