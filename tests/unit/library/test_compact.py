"""The compact serialization: what is taken apart, and what is refused before any cryptography."""

import base64
import json

import jwt
import pytest

from obo_mcp.errors import SignatureInvalid, TokenMalformed
from obo_mcp.inbound.compact import parse, read
from obo_mcp.secret import Secret
from support.tokens import CLIENT, KID, claims_v2, key, sign


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(header: object, payload: object = None, signature: str = "AAAA") -> Secret:
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode()
        for part in (header, payload if payload is not None else claims_v2())
    ]
    return Secret(f"{b64(parts[0])}.{b64(parts[1])}.{signature}")


GOOD = {"alg": "RS256", "kid": "k", "typ": "JWT"}


def test_a_signed_token_is_taken_apart_and_its_signature_holds():
    compact = parse(sign(claims_v2()))
    assert compact.claims["aud"] == CLIENT
    compact.check_signature(key(KID).public_key())


def test_a_signature_of_another_key_does_not_hold():
    with pytest.raises(SignatureInvalid):
        parse(sign(claims_v2(), with_key="another")).check_signature(key(KID).public_key())


def test_one_changed_claim_breaks_the_signature():
    head, _, signature = sign(claims_v2()).reveal().split(".")
    other = b64(json.dumps(claims_v2(oid="somebody-else")).encode())
    with pytest.raises(SignatureInvalid):
        parse(Secret(f"{head}.{other}.{signature}")).check_signature(key(KID).public_key())


@pytest.mark.promise("P-01")
@pytest.mark.parametrize(
    "alg",
    ["none", "None", "NONE", "HS256", "HS512", "RS384", "PS256", "ES256", "", None, ["RS256"]],
)
def test_only_rs256_is_read(alg):
    with pytest.raises(TokenMalformed):
        parse(raw(GOOD | {"alg": alg}))


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused():
    secret = b"-----BEGIN OF NOTHING-----" * 2
    token = jwt.encode(claims_v2(), secret, "HS256", headers={"kid": "key-one"})
    with pytest.raises(TokenMalformed):
        parse(Secret(token))


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]},
        {"zip": "DEF"},
        {"b64": False},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "RSA"}},
        {"x5c": ["MII"]},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
        {"unheard-of": 1},
        {"typ": "JWE"},
        {"typ": "at+jwt; x"},
        {"typ": None},
        {"typ": 7},
    ],
    ids=str,
)
def test_a_header_that_asks_for_special_treatment_is_refused(extra):
    with pytest.raises(TokenMalformed):
        parse(raw(GOOD | extra))


def test_a_member_that_is_refused_is_told_from_other_faults_of_the_header():
    with pytest.raises(TokenMalformed, match=r"^The access token's header has a member that"):
        parse(raw(GOOD | {"jku": "https://evil.example/keys"}))
    with pytest.raises(TokenMalformed, match="RS256"):
        parse(raw(GOOD | {"alg": "none"}))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT"])
def test_what_entra_writes_into_a_header_is_taken(typ):
    header = {"alg": "RS256", "kid": "k" * 256, "typ": typ, "x5t": "t", "x5t#S256": "t"}
    assert parse(raw(header | {"nonce": "n"})).kid == "k" * 256


def test_a_header_need_not_say_what_type_it_is():
    assert parse(raw({"alg": "RS256", "kid": "k"})).kid == "k"


def test_a_message_may_be_empty_and_name_no_key_but_a_token_may_not():
    signed = Secret(jwt.api_jws.encode(b"", key(KID), "RS256"))
    message = read(signed)
    message.check_signature(key(KID).public_key())
    assert (message.payload, message.header["alg"]) == (b"", "RS256")
    for refused in (signed, Secret(jwt.encode({"aud": "x"}, key(KID), "RS256"))):
        with pytest.raises(TokenMalformed):
            parse(refused)


@pytest.mark.parametrize("kid", [None, "", 7, ["k"], "k" * 257])
def test_a_token_that_names_no_key_is_refused(kid):
    with pytest.raises(TokenMalformed):
        parse(raw(GOOD | {"kid": kid}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "e30.e30.",
        "e30.e30.A",
        "e30.e30.AAAAA",
        "A.e30.AAAA",
        "e30=.e30.AAAA",
        "e+0.e30.AAAA",
        " e30.e30.AAAA",
        "e30.e30.AAAA\n",
        "é.e30.AAAA",
    ],
)
def test_text_that_is_not_three_base64url_parts_is_refused(text):
    with pytest.raises(TokenMalformed):
        parse(Secret(text))


ALTERED = {
    "another first dot": lambda head, body, end: f"{head},{body}.{end}",
    "another second dot": lambda head, body, end: f"{head}.{body},{end}",
    "a letter for a dot": lambda head, body, end: f"{head}A{body}.{end}",
    "a fourth part": lambda head, body, end: f"{head}.{body}.{end}.AAAA",
    "a dot behind": lambda head, body, end: f"{head}.{body}.{end}.",
    "a line break behind": lambda head, body, end: f"{head}.{body}.{end}\n",
    "padding": lambda head, body, end: f"{head}.{body}.{end}==",
    "a blank before": lambda head, body, end: f" {head}.{body}.{end}",
    "no signature": lambda head, body, end: f"{head}.{body}.",
    "no header": lambda head, body, end: f".{body}.{end}",
}


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_a_good_token_that_is_written_in_another_way_is_refused(alter):
    parts = sign(claims_v2()).reveal().split(".")
    with pytest.raises(TokenMalformed):
        parse(Secret(alter(*parts)))


def test_every_character_of_base64url_may_stand_in_header_and_payload():
    text = ">" * 9 + "?" * 9
    parts = sign(claims_v2(a=text), kid=text).reveal().split(".")
    assert all({"-", "_"} <= set(part) for part in parts[:2])
    assert parse(Secret(".".join(parts))).claims["a"] == text


def test_a_last_character_with_stray_bits_is_refused():
    head, body, _ = raw(GOOD, signature="AAAB").reveal().split(".")
    with pytest.raises(TokenMalformed):
        parse(Secret(f"{head}.{body}.AB"))


@pytest.mark.parametrize(
    "payload",
    [
        b'{"aud":"x","aud":"y"}',
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"exp":NaN}',
        b'{"exp":Infinity}',
        b"[" * 20_000 + b"]" * 20_000,
    ],
    ids=[
        "duplicate", "array", "string", "cut", "not utf-8", "bom", "nan", "infinity", "deep",
    ],
)  # fmt: skip
def test_a_payload_that_is_not_one_plain_json_object_is_refused(payload):
    with pytest.raises(TokenMalformed):
        parse(raw(GOOD, payload) if len(payload) < 9000 else raw(payload[:6000], payload[:6000]))


def test_a_duplicate_member_in_the_header_is_refused():
    with pytest.raises(TokenMalformed):
        parse(raw(b'{"alg":"RS256","alg":"RS256","kid":"k"}'))


def test_a_token_of_more_than_sixteen_kibibytes_is_refused_unread():
    with pytest.raises(TokenMalformed, match=r"^The access token is longer than 16 KiB\.$"):
        parse(Secret("A" * (16 * 1024 + 1)))
    with pytest.raises(TokenMalformed) as caught:
        parse(Secret("A" * 16 * 1024))
    assert "16 KiB" not in str(caught.value)


def test_a_parsed_token_does_not_print_its_claims():
    compact = parse(sign(claims_v2()))
    assert "Adele" not in repr(compact)
    assert "Adele" not in repr(compact.message)


def test_a_strange_header_member_is_told_from_garbage():
    with pytest.raises(TokenMalformed, match="header has a member"):
        parse(raw(GOOD | {"new-in-2027": 1}))


def test_nothing_of_the_payload_travels_with_the_refusal():
    with pytest.raises(TokenMalformed) as caught:
        parse(raw(GOOD, b'{"upn":"adele@contoso.example",'))
    seen, error = [], caught.value
    while error is not None:
        seen += [repr(error), *map(repr, vars(error).values())]
        error = error.__context__
    assert "adele" not in "".join(seen)
