"""Published weaknesses of JOSE libraries, each tried with real keys on our own door.

The ids of the advisories are the ids of the tests; README.md beside this file says what each is
about. Where nothing else is said, the claims are good ones and only the attack is wrong.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import zlib
from contextlib import asynccontextmanager
from math import isqrt
from ssl import create_default_context

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from obo_mcp.errors import KeysUnavailable, SignatureInvalid, TokenMalformed, WrongIssuer
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.compact import read
from obo_mcp.inbound.jwk import verification_keys
from obo_mcp.inbound.metadata import AuthorityMetadata
from obo_mcp.secret import Secret
from support.tokens import ISSUER_V2, KID, TENANT, claims_v2, key, sign, verifier

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
ZEROS = bytes(64)


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signing_input(header, payload=None) -> str:
    payload = json.dumps(claims_v2()).encode() if payload is None else payload
    return f"{text(json.dumps(header).encode())}.{text(payload)}"


def token(signature, payload=None, **header) -> Secret:
    """A compact JWS; `signature` is made from the signing input, or is given."""
    first = signing_input({"alg": "RS256", "typ": "JWT", "kid": KID, **header}, payload)
    made = signature(first.encode()) if callable(signature) else signature
    return Secret(f"{first}.{text(made)}")


def rs256(name=KID):
    return lambda message: key(name).sign(message, padding.PKCS1v15(), hashes.SHA256())


def jwk(name=KID, **members):
    numbers = key(name).public_key().public_numbers()
    modulus = numbers.n.to_bytes(key(name).key_size // 8)
    return {"kty": "RSA", "kid": name, "n": text(modulus), "e": "AQAB", **members}


def public_key_as(encoding, form) -> bytes:
    return key(KID).public_key().public_bytes(encoding, form)


def pem() -> bytes:
    return public_key_as(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def refused(clock, attack, error):
    with pytest.raises(error) as caught:
        await verifier(clock).verify(attack)
    assert type(caught.value) is error
    return caught.value


async def test_the_tools_of_these_attacks_make_a_good_token_when_nothing_is_wrong(clock):
    principal = await verifier(clock).verify(token(rs256()))
    assert principal.oid == claims_v2()["oid"]


# --- no signature at all -------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="CVE-2026-28802"),  # Authlib; also CVE-2022-23540, jsonwebtoken
        pytest.param(ZEROS, id="CVE-2026-28802-with-something-in-its-place"),
    ],
)
async def test_a_token_that_says_it_is_unsigned_is_refused(clock, algorithm, signature):
    await refused(clock, token(signature, alg=algorithm), TokenMalformed)


async def test_a_token_that_says_rs256_and_ends_before_its_signature_is_refused(clock):
    await refused(clock, token(b""), TokenMalformed)


@pytest.mark.parametrize("length", [64, 256])
async def test_zeros_are_no_signature(clock, length):  # CVE-2022-21449, OpenJDK
    await refused(clock, token(bytes(length), alg="ES256"), TokenMalformed)
    await refused(clock, token(bytes(length)), SignatureInvalid)


# --- the public key used as a secret -------------------------------------------------------------

PUBLIC_KEY_TEXTS = {
    "CVE-2015-9235-pem": pem,  # jsonwebtoken; PyJWT as DSA-3293
    "CVE-2017-11424-pkcs1": lambda: public_key_as(Encoding.PEM, PublicFormat.PKCS1),  # PyJWT
    "CVE-2022-29217-ssh": lambda: public_key_as(Encoding.OpenSSH, PublicFormat.OpenSSH),  # PyJWT
    "CVE-2024-33663-ssh-line": lambda: (  # python-jose; CVE-2024-37568, Authlib
        public_key_as(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" a comment\n"
    ),
    "CVE-2026-85394-der": lambda: (  # python-jose
        public_key_as(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "CVE-2026-48526-jwk": lambda: json.dumps(jwk()).encode(),  # PyJWT
    "CVE-2026-102273-jwks": lambda: json.dumps({"keys": [jwk()]}).encode(),  # PyJWT
    "CVE-2026-102268-line-ends": lambda: pem().replace(b"\n", b"\r\n  "),  # PyJWT
    "CVE-2026-114615-prefix": lambda: b"\n# our key\n" + pem(),  # Authlib
    "CVE-2026-102266-empty": lambda: b"",  # PyJWT; CVE-2026-114616, CVE-2026-49852
}


@pytest.mark.parametrize("secret", PUBLIC_KEY_TEXTS.values(), ids=PUBLIC_KEY_TEXTS)
@pytest.mark.parametrize("algorithm", HASHES)
async def test_a_mac_under_the_public_key_is_no_signature(clock, secret, algorithm):
    def mac(message):
        return hmac.digest(secret(), message, HASHES[algorithm])

    await refused(clock, token(mac, alg=algorithm), TokenMalformed)
    # CVE-2026-48523: the header names an allowed algorithm, the signature is of another one.
    await refused(clock, token(mac), SignatureInvalid)


@pytest.mark.parametrize(
    ("algorithm", "scheme", "digest"),
    [
        ("RS384", padding.PKCS1v15(), hashes.SHA384()),
        ("RS512", padding.PKCS1v15(), hashes.SHA512()),
        ("RS1", padding.PKCS1v15(), hashes.SHA1()),
        ("PS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    ],
)
async def test_the_right_key_with_another_algorithm_is_refused(  # CVE-2026-48523, PyJWT
    clock, algorithm, scheme, digest
):
    def other(message):
        return key(KID).sign(message, scheme, digest)

    await refused(clock, token(other, alg=algorithm), TokenMalformed)
    await refused(clock, token(other), SignatureInvalid)


# --- keys that come with the token ---------------------------------------------------------------


@pytest.mark.parametrize("kid", [KID, "attacker"])
@pytest.mark.parametrize(
    "header",
    [
        # node-jose; CVE-2026-27962, Authlib
        pytest.param(lambda: {"jwk": jwk("attacker")}, id="CVE-2018-0114"),
        # PyJWT: where a key set may come from, once a token may say it
        pytest.param(lambda: {"jku": "file:///etc/keys.json"}, id="CVE-2026-48522-file"),
        pytest.param(lambda: {"jku": "https://keys.example/set"}, id="CVE-2026-48522-https"),
        pytest.param(lambda: {"x5u": "https://keys.example/chain"}, id="x5u"),
        pytest.param(lambda: {"x5c": ["MIIB"]}, id="x5c"),
    ],
)
async def test_a_key_that_the_token_brings_along_is_not_looked_at(clock, header, kid):
    await refused(clock, token(rs256("attacker"), kid=kid, **header()), TokenMalformed)
    await refused(clock, token(rs256(), **header()), TokenMalformed)


@pytest.mark.parametrize("url", ["file:///etc/keys", "data:,{}", "ftp://login.example/keys"])
def test_key_sets_come_from_no_other_scheme(url):  # CVE-2026-48522, PyJWT
    assert not Authority("https://login.example", TENANT).may_publish_keys_at(url)


@asynccontextmanager
async def http_server(answer):
    """Answers every request with `answer` and counts them."""
    asked = []

    async def serve(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"http://{host}:{port}", asked


async def test_a_redirect_of_the_authority_is_not_followed():  # CVE-2026-102267, PyJWT
    gone = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n"
    async with http_server(gone % (b"404 Not Found", b"")) as (stranger, strangers_requests):
        moved = gone % (b"302 Found", f"Location: {stranger}/keys\r\n".encode())
        async with http_server(moved) as (host, requests):
            metadata = AuthorityMetadata(Authority(host, TENANT), create_default_context())
            with pytest.raises(KeysUnavailable):
                await metadata.fetch()
            assert len(requests) == 2
            assert strangers_requests == []


# --- headers that ask for special treatment ------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"crit": ["exp"]}, id="crit-of-a-claim"),
        pytest.param({"crit": ["bork"], "bork": 1}, id="CVE-2025-59420"),  # Authlib
        pytest.param({"crit": ["x-policy"], "x-policy": "mfa"}, id="CVE-2026-32597"),  # PyJWT
        pytest.param({"crit": []}, id="crit-empty"),
        pytest.param({"crit": None}, id="crit-null"),
        pytest.param({"crit": ["b64"], "b64": False}, id="CVE-2026-48525"),  # PyJWT
        pytest.param({"b64": False}, id="CVE-2026-48990"),  # joserfc
        pytest.param({"zip": "DEF"}, id="zip"),
        pytest.param({"cty": "JWT"}, id="cty"),
    ],
)
async def test_a_header_that_asks_for_more_is_refused_under_a_good_signature(clock, header):
    await refused(clock, token(rs256(), **header), TokenMalformed)


async def test_a_detached_payload_is_refused_under_a_good_signature(clock):  # CVE-2026-48525
    whole = token(rs256()).reveal()
    first, _, last = whole.split(".")
    await refused(clock, Secret(f"{first}..{last}"), TokenMalformed)


# --- other serializations ------------------------------------------------------------------------


def jwe(plain: bytes, **header) -> Secret:
    """Encrypted to our own public key (RFC 7516 section 3.1), as anybody can."""
    content_key, nonce = AESGCM.generate_key(256), os.urandom(12)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    wrapped = key(KID).public_key().encrypt(content_key, oaep)
    protected = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": KID, **header}
    first = text(json.dumps(protected).encode())
    sealed = AESGCM(content_key).encrypt(nonce, plain, first.encode())
    parts = (text(part) for part in (wrapped, nonce, sealed[:-16], sealed[-16:]))
    return Secret(".".join((first, *parts)))


def bomb() -> bytes:
    deflate = zlib.compressobj(9, wbits=-15)
    return deflate.compress(bytes(8 << 20)) + deflate.flush()


@pytest.mark.parametrize(
    "attack",
    [
        # jwcrypto: encrypted by anybody, taken for signed by the authority
        pytest.param(lambda: jwe(json.dumps(claims_v2()).encode()), id="CVE-2022-3102"),
        pytest.param(lambda: jwe(sign(claims_v2()).reveal().encode()), id="CVE-2022-3102-nested"),
        pytest.param(lambda: jwe(json.dumps(claims_v2()).encode(), alg="RS256"), id="JWE-RS256"),
        # python-jose; CVE-2024-28102, jwcrypto
        pytest.param(lambda: jwe(bomb(), zip="DEF"), id="CVE-2024-33664"),
        # jwcrypto
        pytest.param(
            lambda: jwe(b"{}", alg="PBES2-HS256+A128KW", p2c=2**31, p2s="AAAA"), id="CVE-2023-6681"
        ),
    ],
)
async def test_an_encrypted_token_is_refused_unopened(clock, attack):
    assert len(attack()) <= 16 * 1024  # it is the shape that refuses, not the length
    await refused(clock, attack(), TokenMalformed)


def as_json(**members) -> Secret:
    protected, payload, signature = sign(claims_v2()).reveal().split(".")
    whole = {"protected": protected, "payload": payload, "signature": signature}
    return Secret(json.dumps({**whole, **members}))


def mixed() -> Secret:
    """A compact token inside a JSON one: two readers of it see different claims."""
    first, _, last = sign(claims_v2()).reveal().split(".")
    forged = text(json.dumps(claims_v2(oid="ffffffff-3b0a-4a7e-9a43-5d8f21c7e601")).encode())
    return Secret(f'{{"  {first}.{forged}.{last}":"",' + as_json().reveal()[1:])


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(mixed, id="CVE-2022-39227"),  # python-jwt
        pytest.param(lambda: as_json(signatures=[], signature=""), id="CVE-2026-96760"),  # Authlib
        pytest.param(as_json, id="flattened-JSON"),
    ],
)
async def test_a_json_serialization_is_refused(clock, attack):
    await refused(clock, attack(), TokenMalformed)


@pytest.mark.parametrize(
    "tail", ["!!!!", "=", "==", "\n", ".", "\u00e9"], ids=lambda tail: ascii(tail).strip("'")
)
async def test_a_good_token_has_only_one_spelling(clock, tail):  # CVE-2026-102269, PyJWT
    good = sign(claims_v2())
    await verifier(clock).verify(good)
    await refused(clock, Secret(good.reveal() + tail), TokenMalformed)


async def test_bits_left_over_in_the_last_character_make_no_second_spelling(clock):
    good = sign(claims_v2()).reveal()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    second = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]
    last = [base64.urlsafe_b64decode(t.rpartition(".")[2] + "==") for t in (good, second)]
    assert last[0] == last[1]
    await refused(clock, Secret(second), TokenMalformed)


# --- tokens that cost more than they are worth ---------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda: token(rs256(), pad="A" * 2**21), id="CVE-2025-61920"),  # Authlib
        pytest.param(lambda: token(bytes(2**21)), id="CVE-2025-61920-signature"),
        pytest.param(lambda: Secret("." * 2**21), id="CVE-2025-27144"),  # go-jose
    ],
)
async def test_a_long_token_is_refused_by_its_length_and_not_repeated(clock, attack):
    error = await refused(clock, attack(), TokenMalformed)
    assert "16 KiB" in str(error)
    assert len(repr(error)) < 200  # CVE-2025-65015, joserfc: the error carried the token


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_nesting_without_end_is_a_malformed_token(clock, opening):  # CVE-2026-101918, PyJWT
    deep = opening * (10_000 // len(opening))
    await refused(clock, token(rs256(), payload=deep), TokenMalformed)
    await refused(clock, Secret(f"{text(deep)}.{text(b'{}')}.AAAA"), TokenMalformed)


# --- claims --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param(ISSUER_V2[:-1], id="all-but-the-last-character"),
        pytest.param(ISSUER_V2[1:], id="all-but-the-first-character"),
        pytest.param("h", id="one-character"),
        pytest.param("", id="nothing"),
        pytest.param(f"{ISSUER_V2}/", id="one-character-more"),
        pytest.param([ISSUER_V2], id="a-list-with-it"),
        pytest.param(None, id="null"),
    ],
)
async def test_a_part_of_our_issuer_is_not_our_issuer(clock, issuer):  # CVE-2024-53861, PyJWT
    claims = {**claims_v2(), "iss": issuer}
    await refused(clock, token(rs256(), payload=json.dumps(claims).encode()), WrongIssuer)


# --- keys ----------------------------------------------------------------------------------------


def jwk_of(private: rsa.RSAPrivateKey, kid: str):
    numbers = private.public_key().public_numbers()
    exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8)
    modulus = numbers.n.to_bytes(private.key_size // 8)
    return {"kty": "RSA", "kid": kid, "n": text(modulus), "e": text(exponent)}


def test_a_short_key_verifies_nothing():  # CVE-2025-45768, PyJWT
    short = jwk_of(rsa.generate_private_key(65537, 1024), "short")
    with pytest.raises(ValueError, match="usable"):
        verification_keys({"keys": [short]})
    assert verification_keys({"keys": [short, jwk()]}).keys() == {KID}


@pytest.mark.parametrize(
    "members",
    [{"n": "!"}, {"n": "AQ"}, {"n": ""}, {"e": "AA"}, {"n": 5}, {"e": None}, {"n": text(ZEROS)}],
)
def test_a_malformed_key_takes_no_other_with_it(members):  # CVE-2026-102274, PyJWT
    broken = {**jwk(), "kid": "broken", **members}
    assert verification_keys({"keys": [broken, jwk()]}).keys() == {KID}


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "HS256", "none", 256, None])
def test_a_key_bound_to_another_algorithm_verifies_nothing(algorithm):  # CVE-2026-48523, PyJWT
    with pytest.raises(ValueError, match="usable"):
        verification_keys({"keys": [jwk(alg=algorithm)]})


def cube_root(number: int) -> int:
    low, high = 0, isqrt(number) + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < number else (low, middle)
    return low


def test_a_cube_root_is_no_signature_under_exponent_three():  # CVE-2016-1494, python-rsa
    small = rsa.generate_private_key(3, 2048)
    found = verification_keys({"keys": [jwk_of(small, "three")]})["three"].key
    message = token(b"?").reveal().rpartition(".")[0].encode()
    sha256_prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    start = b"\0\1\xff\0" + sha256_prefix + hashlib.sha256(message).digest()
    root = cube_root(int.from_bytes(start + bytes(256 - len(start))))
    assert pow(root, 3, found.public_numbers().n).to_bytes(256).startswith(start)
    with pytest.raises(SignatureInvalid):
        read(token(root.to_bytes(256))).check_signature(found)
