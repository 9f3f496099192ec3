"""The seeds in corpus/: what the fuzzer starts from, a few of every family of forgeries.

    PYTHONPATH=tests python -m fuzz.seeds       writes them

Each has the outcome that test_corpus.py holds the library to. A file of corpus/ that is not
written here is a finding of the fuzzer, kept for ever.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.shapes import b64, json_bytes
from fuzz.target import MODULUS, NEVER_SIGNED
from support.tokens import CLIENT, ISSUER_V1, KID, NOW, TENANT, claims_v1, claims_v2

CORPUS = Path(__file__).with_name("corpus")
HEADER = {"alg": "RS256", "typ": "JWT", "kid": KID}


class Seed(NamedTuple):
    data: bytes
    outcome: str


def text(header: Any = HEADER, payload: Any = None, end: str = "") -> bytes:
    body = payload if payload is not None else {"aud": CLIENT, "exp": NOW}
    parts = [b64(json_bytes(header)), b64(json_bytes(body)), b64(NEVER_SIGNED)]
    return ".".join(parts).encode() + end.encode("latin-1")


def of_length(size: int) -> bytes:
    shortest = text(payload={"jti": ""})
    whole = text(payload={"jti": "x" * ((size - len(shortest)) * 3 // 4)})
    assert len(whole) == size
    return whole


def token_texts() -> dict[str, tuple[bytes, str]]:
    good, refused = text(), "TokenMalformed"
    head, body, signature = good.split(b".")
    return {
        "whole": (good, "read"),
        "of-v1-in-full": (text(payload=claims_v1()), "read"),
        "of-v2-in-full": (text(payload=claims_v2()), "read"),
        "without-signature": (head + b"." + body + b".", refused),
        "two-parts": (head + b"." + body, refused),
        "four-parts": (good + b"." + signature, refused),
        "five-parts-of-a-jwe": (b"e30.AA.AA.AA.AA", refused),
        "padded": (good + b"==", refused),
        "standard-alphabet": (head + b"." + body + b"." + b"+/" * 8, refused),
        "stray-bits-at-the-end": (head + b"." + body + b".AB", refused),
        "line-feed-at-the-end": (text(end="\n"), refused),
        "byte-order-mark": (b"\xef\xbb\xbf" + good, refused),
        "letter-outside-ascii": (text(end="\xe9"), refused),
        "json-serialization": (json_bytes({"payload": body.decode(), "signatures": []}), refused),
        "empty": (b"", refused),
        "as-long-as-can-be": (of_length(16 * 1024), "read"),
        "a-little-too-long": (of_length(16 * 1024 + 4), refused),
    }


def token_parts() -> dict[str, tuple[bytes, str]]:
    body, refused = b"\n{}", "TokenMalformed"

    def header(**changes: Any) -> tuple[bytes, str]:
        return json_bytes(HEADER | changes) + body, refused

    return {
        "plain": (json_bytes(HEADER) + body, "read"),
        "typ-of-rfc-9068": (json_bytes(HEADER | {"typ": "AT+jwt"}) + body, "read"),
        "alg-none": header(alg="none"),
        "alg-hs256": header(alg="HS256"),
        "alg-list": header(alg=["RS256"]),
        "crit": header(crit=["b64"], b64=False),
        "jku": header(jku="https://keys.example/set"),
        "jwk": header(jwk={"kty": "RSA"}),
        "kid-empty": header(kid=""),
        "kid-number": header(kid=7),
        "kid-of-300-letters": header(kid="k" * 300),
        "kid-as-a-path": (json_bytes(HEADER | {"kid": "../../dev/null\u0000"}) + body, "read"),
        "kid-lone-surrogate": (b'{"alg":"RS256","kid":"\\ud800"}' + body, "read"),
        "member-twice": (b'{"alg":"RS256","alg":"RS256","kid":"k"}' + body, refused),
        "payload-list": (json_bytes(HEADER) + b"\n[]", refused),
        "payload-nan": (json_bytes(HEADER) + b'\n{"exp":NaN}', refused),
        "payload-deep": (json_bytes(HEADER) + b'\n{"a":' + b"[" * 3_000, refused),
        "payload-not-utf-8": (json_bytes(HEADER) + b'\n{"a":"\xff"}', refused),
        "payload-of-a-huge-number": (json_bytes(HEADER) + b'\n{"exp":' + b"9" * 5_000, refused),
    }


def claim_sets() -> dict[str, tuple[bytes, str]]:
    def v2(outcome: str, **changes: Any) -> tuple[bytes, str]:
        return json_bytes(claims_v2(**changes)), outcome

    graph = "00000003-0000-0000-c000-000000000000"
    return {
        "v2": v2("accepted"),
        "v1": (json_bytes(claims_v1()), "accepted"),
        "of-an-agent": v2("accepted", xms_act_fct="11 9", xms_par_app_azp=CLIENT),
        "with-roles": v2("accepted", roles=["reader"], idtyp="user"),
        "id-token": v2("IdTokenPresented", scp=None, azp=None),
        "of-an-application": v2("NotDelegated", scp=None, idtyp="app", roles=["all"]),
        "for-graph": v2("WrongAudience", aud=graph),
        "list-of-audiences": v2("WrongAudience", aud=[CLIENT]),
        "another-issuer": v2("WrongIssuer", iss=ISSUER_V1),
        "issuer-of-another-cloud": v2("WrongIssuer", iss="https://login.microsoftonline.us/x"),
        "issuer-with-half-an-address": v2("WrongIssuer", iss="https://[::1"),
        "another-tenant": v2("WrongTenant", tid=TENANT[::-1]),
        "expired": v2("TokenExpired", exp=NOW - 60),
        "at-its-last-second": v2("accepted", exp=NOW - 59),
        "not-yet": v2("TokenNotYetValid", nbf=NOW + 61),
        "from-the-future": v2("TokenNotYetValid", iat=NOW + 61),
        "date-true": v2("TokenMalformed", exp=True),
        "date-float": v2("TokenMalformed", exp=1e30),
        "scope-prefix": v2("InsufficientScope", scp="mcp.access2 xmcp.access"),
        "scope-list": v2("TokenMalformed", scp=["mcp.access"]),
        "oid-in-capitals": v2("TokenMalformed", oid="0F5C1D6E-3B0A-4A7E-9A43-5D8F21C7E601"),
        "facets-list": v2("accepted", xms_act_fct=[11]),
        "of-a-version-to-come": v2("TokenMalformed", ver="3.0"),
        "duplicate": (json_bytes(claims_v2())[:-1] + b',"aud":"x"}', "ValueError"),
    }


def claim_changes() -> dict[str, tuple[bytes, str]]:
    def of(outcome: str, **changes: Any) -> tuple[bytes, str]:
        return json_bytes(changes), outcome

    v1 = {"ver": "1.0", "iss": ISSUER_V1, "appid": CLIENT}
    return {
        "none": of("accepted"),
        "roles": of("accepted", roles=["a", "b"]),
        "facets": of("accepted", xms_act_fct="11", xms_sub_fct="13"),
        "blueprint": of("accepted", xms_par_app_azp=CLIENT),
        "idtyp": of("accepted", idtyp="user"),
        "scopes": of("accepted", scp="a mcp.access"),
        "dates": of("accepted", iat=NOW, nbf=NOW, exp=NOW),
        "v1": of("accepted", aud=f"api://{CLIENT}", **v1),
        "null": of("TokenMalformed", scp=None),
    }


def key_sets() -> dict[str, tuple[bytes, str]]:
    modulus = b64(MODULUS.to_bytes(256))
    good = {"kty": "RSA", "use": "sig", "kid": KID, "n": modulus, "e": "AQAB"}

    def keys(outcome: str, *entries: Any) -> tuple[bytes, str]:
        return json_bytes({"keys": entries}), outcome

    return {
        "one": keys("usable", good),
        "of-a-tenant-independent-issuer": keys(
            "usable", good | {"issuer": "https://login.example/{tenantid}/v2.0", "x5c": ["MII"]}
        ),
        "with-strangers": keys("usable", {"kty": "EC", "kid": "ec"}, good, 7, None, {"kid": []}),
        "twice-the-same-kid": keys("unusable", good, good),
        "private": keys("unusable", good | {"d": "AQAB"}),
        "symmetric": keys("unusable", good, {"kty": "oct", "k": "AQAB", "kid": "s"}),
        "short": keys("unusable", good | {"n": b64(MODULUS.to_bytes(256)[:128])}),
        "exponent-one": keys("unusable", good | {"e": "AQ"}),
        "exponent-even": keys("unusable", good | {"e": "BA"}),
        "exponent-larger-than-modulus": keys("unusable", good | {"e": modulus + "AAAA"}),
        "modulus-even": keys("unusable", good | {"n": b64((MODULUS - 1).to_bytes(256))}),
        "for-encryption": keys("unusable", good | {"use": "enc"}),
        "no-list": (b'{"keys":{}}', "unusable"),
        "empty": keys("unusable"),
    }


def seeds() -> dict[str, Seed]:
    families = {
        "token": ("t", token_texts()),
        "parts": ("p", token_parts()),
        "claims": ("c", claim_sets()),
        "changes": ("m", claim_changes()),
        "keys": ("k", key_sets()),
    }
    return {
        f"{family}-{name}": Seed(reader.encode() + material, outcome)
        for family, (reader, members) in families.items()
        for name, (material, outcome) in members.items()
    }


def words() -> list[str]:
    """What libFuzzer puts together, in its own notation: claim names, header members, values."""
    names = [*claims_v2(), *claims_v1(), "roles", "idtyp", "xms_act_fct", "xms_sub_fct"]
    names += ["xms_par_app_azp", *HEADER, "crit", "x5t#S256", "nonce", "keys", "kty", "use", "n"]
    names += ["key_ops", "e", "issuer", "RS256", "RSA", "sig", "verify", "app", "user", "at+jwt"]
    marks = ['{"', '":', '","', "[]", "{}", "null", "true", "\\u0000", "\\ud800", "NaN", "1e999"]
    return [json.dumps(word) for word in dict.fromkeys([*names, *marks])]


def main() -> None:
    CORPUS.mkdir(exist_ok=True)
    for name, seed in seeds().items():
        (CORPUS / name).write_bytes(seed.data)
    CORPUS.with_name("words.dict").write_text("\n".join(words()) + "\n", "ascii")


if __name__ == "__main__":
    main()
