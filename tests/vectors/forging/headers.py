"""Family "header": the signature is good; the header asks for something that we do not do."""

import hmac
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from vectors.forging.certificate import certificate
from vectors.forging.material import (
    CLIENT,
    ISSUER_V2,
    KID,
    NOW,
    Item,
    b64,
    compact_json,
    header,
    number,
    part,
    person,
    rs256,
    rsa_key,
    token,
)
from vectors.forging.published import entry

FAMILY = "header"
KEY_LINKS = {
    "evil": "https://evil.example/keys",
    "ours": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    "userinfo": "https://login.microsoftonline.com@evil.example/keys",
    "plain-http": "http://login.microsoftonline.com/common/discovery/v2.0/keys",
    "file": "file:///etc/passwd",
    "metadata": "http://169.254.169.254/metadata/identity/oauth2/token",
    "data": 'data:application/json,{"keys":[]}',
    "empty": "",
}
CRITICAL: dict[str, Any] = {
    "unknown": ["http://example.invalid/UNDEFINED"],
    "exp": ["exp"],
    "alg": ["alg"],
    "kid": ["kid"],
    "b64": ["b64"],
    "absent-member": ["nothing-here"],
    "twice": ["exp", "exp"],
    "empty": [],
    "empty-name": [""],
    "number": [1],
    "text": "exp",
    "null": None,
    "true": True,
    "object": {"exp": True},
}
TYPES: dict[str, Any] = {
    "empty": "",
    "null": None,
    "number": 1,
    "array": ["JWT"],
    "object": {"typ": "JWT"},
    "true": True,
    "trailing-space": "JWT ",
    "leading-space": " JWT",
    "trailing-nul": "JWT\0",
    "fullwidth": "\uff2a\uff37\uff34",
    "jwe": "JWE",
    "jose": "JOSE",
    "jose-json": "JOSE+JSON",
    "id-token": "id_token+jwt",
    "dpop": "dpop+jwt",
    "logout": "logout+jwt",
    "security-event": "secevent+jwt",
    "request-object": "oauth-authz-req+jwt",
    "introspection": "token-introspection+jwt",
    "client-assertion": "client-authentication+jwt",
    "key-binding": "kb+jwt",
    "credential": "vc+sd-jwt",
    "proof-of-possession": "pop",
    "refresh": "rt+jwt",
    "parameters": "at+jwt;charset=utf-8",
}
MEMBERS: dict[str, Any] = {
    "cty-jwt": {"cty": "JWT"},
    "cty-json": {"cty": "application/json"},
    "zip-def": {"zip": "DEF"},
    "zip-gzip": {"zip": "GZIP"},
    "zip-null": {"zip": None},
    "b64-false": {"b64": False},
    "b64-true": {"b64": True},
    "b64-false-crit": {"b64": False, "crit": ["b64"]},
    "enc": {"enc": "A256GCM"},
    "enc-and-tag": {"enc": "A256GCM", "iv": b64(bytes(12)), "tag": b64(bytes(16))},
    "epk": {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "agreement-info": {"apu": "AA", "apv": "AA"},
    "pbes2": {"p2s": "AA", "p2c": 2**31 - 1},
    "iss": {"iss": ISSUER_V2},
    "aud": {"aud": CLIENT},
    "exp": {"exp": NOW + 3600},
    "acme-url": {"url": "https://evil.example/acme"},
    "stir-ppt": {"ppt": "shaken"},
    "trust-chain": {"trust_chain": []},
    "unknown": {"https://evil.example/member": True},
    "empty-name": {"": ""},
    "prototype": {"__proto__": {"alg": "none"}},
    "jku-capital": {"JKU": "https://evil.example/keys"},
    "alg-twice-by-case": {"ALG": "none"},
    "null-jwk": {"jwk": None},
    "empty-x5c": {"x5c": []},
}


def items() -> Iterator[Item]:
    yield from _links()
    yield from _embedded_keys()
    yield from _tables()
    yield from _bodies()
    yield from _repeated()


def _item(name: str, text: str, reason: str, clause: str) -> Item:
    return Item(f"hdr-{name}", FAMILY, text, reason, clause, "TokenMalformed")


def _links() -> Iterator[Item]:
    clauses = {"jku": "RFC 7515 4.1.2", "x5u": "RFC 7515 4.1.5"}
    for member, clause in clauses.items():
        for name, url in KEY_LINKS.items():
            reason = f"{member} points to a key set ({name}); the key is ours."
            yield _item(f"{member}-{name}", token(header(**{member: url})), reason, clause)
        head = header(kid="forger-key", **{member: KEY_LINKS["evil"]})
        text = token(head, sign=rs256(rsa_key("forger")))
        reason = f"Signed by the forger; {member} points to the forger's keys."
        yield _item(f"{member}-forger", text, reason, "RFC 8725 3.10")


def _embedded_keys() -> Iterator[Item]:
    forger = rs256(rsa_key("forger"))
    chain = [b64encode(certificate("forger").public_bytes(Encoding.DER)).decode()]
    embedded: dict[str, tuple[dict[str, Any], str]] = {
        "jwk": ({"jwk": entry(KID, "forger")}, "RFC 7515 4.1.3"),
        "jwk-no-kid": ({"jwk": {"kty": "RSA", "n": _modulus("forger"), "e": "AQAB"}},
                       "RFC 7515 4.1.3"),
        "x5c": ({"x5c": chain}, "RFC 7515 4.1.6"),
        "x5c-text": ({"x5c": chain[0]}, "RFC 7515 4.1.6"),
        "jwk-and-x5c": ({"jwk": entry(KID, "forger"), "x5c": chain}, "RFC 8725 3.10"),
    }  # fmt: skip
    for name, (members, clause) in embedded.items():
        text = token(header(**members), sign=forger)
        yield _item(f"{name}-forger", text, f"Brings the forger's key along: {name}.", clause)
    text = token(header(jwk=entry(KID, "one")))
    yield _item("jwk-ours", text, "Brings our own public key along.", "RFC 7515 4.1.3")
    ours = [b64encode(certificate("one").public_bytes(Encoding.DER)).decode()]
    text = token(header(x5c=ours))
    yield _item("x5c-ours", text, "Brings a certificate of our key along.", "RFC 7515 4.1.6")
    head = header(jwk={"kty": "oct", "k": b64(b"secret")}, alg="HS256")
    text = token(head, sign=lambda message: hmac.digest(b"secret", message, "sha256"))
    yield _item("jwk-symmetric", text, "Brings a symmetric key along.", "RFC 8725 3.10")


def _modulus(name: str) -> str:
    return number(rsa_key(name).public_key().public_numbers().n)


def _tables() -> Iterator[Item]:
    for name, names in CRITICAL.items():
        text = token(header(crit=names))
        yield _item(f"crit-{name}", text, f"crit is {names!r}.", "RFC 7515 4.1.11")
    for name, typ in TYPES.items():
        text, reason = token(header(typ=typ)), f"typ is {typ!a}, not that of an access token."
        yield _item(f"typ-{name}", text, reason, "RFC 8725 3.11")
    for name, members in MEMBERS.items():
        reason = f"Members that Entra does not write: {', '.join(map(repr, members))}."
        yield _item(f"member-{name}", token(header(**members)), reason, "RFC 7515 4")


def _bodies() -> Iterator[Item]:
    squeezed = zlib.compress(compact_json(person()), wbits=-15)
    text = token(header(zip="DEF"), squeezed)
    yield _item("zip-compressed", text, "The payload really is compressed.", "RFC 8725 3.6")
    text = token(header(cty="JWT"), token().encode())
    yield _item("cty-nested", text, "A signed token inside a signed token.", "RFC 7519 5.2")
    head = part(header(b64=False, crit=["b64"]))
    raw = compact_json(person()).decode()
    octets = rs256(rsa_key("one"))(f"{head}.{raw}".encode())
    text = f"{head}.{raw}.{b64(octets)}"
    yield _item("b64-raw-payload", text, "The payload really is not encoded.", "RFC 7797 3")


def _repeated() -> Iterator[Item]:
    good = json.dumps(header())[1:-1]
    texts = {
        "alg-first-good": f'{{{good},"alg":"none"}}',
        "alg-last-good": f'{{"alg":"none",{good}}}',
        "alg-same": f'{{{good},"alg":"RS256"}}',
        "alg-escaped": f'{{{good},"a\\u006cg":"none"}}',
        "kid-first-good": f'{{{good},"kid":"evil"}}',
        "kid-last-good": f'{{"kid":"evil",{good}}}',
        "kid-same": f'{{{good},"kid":"{KID}"}}',
        "typ-same": f'{{{good},"typ":"JWT"}}',
        "typ-other": f'{{"typ":"JWE",{good}}}',
        "inside": f'{{{good},"nonce":{{"a":1,"a":2}}}}',
    }
    for name, text in texts.items():
        yield _item(f"twice-{name}", token(text.encode()), "A member occurs twice.", "RFC 7515 4")
