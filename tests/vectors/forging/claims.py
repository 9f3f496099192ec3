"""Family "claims": the token is ours and well signed; one claim is not what it must be."""

from collections.abc import Iterator
from typing import Any

from vectors.forging.material import (
    CALLER,
    CLIENT,
    ISSUER_V2,
    LEEWAY,
    NOW,
    OID,
    SCOPE,
    TENANT,
    Item,
    compact_json,
    person,
    said,
    said_v1,
    token,
)

FAMILY = "claims"
TEXTS = {
    "aud": (CLIENT, "WrongAudience", "RFC 7519 4.1.3"),
    "iss": (ISSUER_V2, "WrongIssuer", "RFC 7519 4.1.1"),
    "tid": (TENANT, "WrongTenant", "Entra, Access token claims reference"),
    "ver": ("2.0", "TokenMalformed", "Entra, Access token claims reference"),
    "oid": (OID, "TokenMalformed", "Entra, Access token claims reference"),
    "sub": ("pairwise", "TokenMalformed", "RFC 7519 4.1.2"),
    "azp": (CALLER, "TokenMalformed", "Entra, Access token claims reference"),
    "scp": (SCOPE, "TokenMalformed", "Entra, Access token claims reference"),
}
DATES: dict[str, Any] = {
    "text": str(NOW + 3600),
    "text-empty": "",
    "iso": "2030-01-01T00:00:00Z",
    "fraction": NOW + 0.5,
    "whole-float": float(NOW),
    "huge-float": 1e30,
    "true": True,
    "false": False,
    "null": None,
    "list": [NOW],
    "object": {"seconds": NOW},
    "negative": -NOW,
    "minus-one": -1,
    "milliseconds": NOW * 1000,
    "thirty-three-bits": 1 << 33,
    "sixty-four-bits": 1 << 64,
    "hundred-digits": 10**100,
}
AUDIENCES: dict[str, Any] = {
    "list-of-ours": [CLIENT],
    "list-ours-first": [CLIENT, "https://evil.example"],
    "list-ours-last": ["https://evil.example", CLIENT],
    "list-empty": [],
    "prefix": CLIENT[:-1],
    "suffix": f"{CLIENT}0",
    "upper-case": CLIENT.upper(),
    "space-before": f" {CLIENT}",
    "space-after": f"{CLIENT} ",
    "newline-after": f"{CLIENT}\n",
    "nul-after": f"{CLIENT}\0",
    "braces": f"{{{CLIENT}}}",
    "no-dashes": CLIENT.replace("-", ""),
    "urn": f"urn:uuid:{CLIENT}",
    "slash-after": f"{CLIENT}/",
    "two-by-comma": f"{CLIENT},https://evil.example",
    "two-by-blank": f"{CLIENT} https://evil.example",
    "wildcard": "*",
    "fullwidth": chr(0xFF43) + CLIENT[1:],
    "surrogate": "\ud800",
    "tenant": TENANT,
    "issuer": ISSUER_V2,
}
ISSUERS = {
    "slash-after": f"{ISSUER_V2}/",
    "two-slashes": ISSUER_V2.replace("/v2.0", "//v2.0"),
    "no-version": ISSUER_V2.removesuffix("/v2.0"),
    "version-two": ISSUER_V2.replace("v2.0", "v2"),
    "version-upper": ISSUER_V2.replace("v2.0", "V2.0"),
    "host-upper": ISSUER_V2.replace("login", "LOGIN"),
    "scheme-upper": ISSUER_V2.replace("https", "HTTPS"),
    "tenant-upper": ISSUER_V2.replace(TENANT, TENANT.upper()),
    "plain-http": ISSUER_V2.replace("https", "http"),
    "no-scheme": ISSUER_V2.removeprefix("https://"),
    "port": ISSUER_V2.replace(".com", ".com:443"),
    "userinfo": ISSUER_V2.replace("https://", "https://login.microsoftonline.com@evil.example/"),
    "userinfo-ours": ISSUER_V2.replace("https://", "https://x@"),
    "host-suffix": ISSUER_V2.replace(".com", ".com.evil.example"),
    "host-prefix": ISSUER_V2.replace("login.", "evil-login."),
    "host-dot": ISSUER_V2.replace(".com", ".com."),
    "homoglyph": ISSUER_V2.replace("o", "\u043e", 1),
    "dotless-i": ISSUER_V2.replace("i", "\u0131", 1),
    "punycode": ISSUER_V2.replace("login.", "xn--lgin-7qa."),
    "fullwidth-dot": ISSUER_V2.replace(".com", "\uff0ecom"),
    "query": f"{ISSUER_V2}?x=1",
    "fragment": f"{ISSUER_V2}#x",
    "space-after": f"{ISSUER_V2} ",
    "newline-after": f"{ISSUER_V2}\n",
    "nul-after": f"{ISSUER_V2}\0",
    "dot-segments": ISSUER_V2.replace(TENANT, f"other/../{TENANT}"),
    "percent": ISSUER_V2.replace("/v2.0", "%2Fv2.0"),
    "backslash": ISSUER_V2.replace("com/", "com\\"),
    "template": ISSUER_V2.replace(TENANT, "{tenantid}"),
    "bad-brackets": "https://[::1/v2.0",
    "surrogate": "\ud800",
}
TENANTS = {
    "upper-case": TENANT.upper(),
    "prefix": TENANT[:-1],
    "suffix": f"{TENANT}0",
    "space-after": f"{TENANT} ",
    "newline-after": f"{TENANT}\n",
    "braces": f"{{{TENANT}}}",
    "zero": "00000000-0000-0000-0000-000000000000",
    "word": "common",
    "domain": "contoso.example",
    "path": f"../{TENANT}",
    "fullwidth": TENANT.replace("5", "\uff15"),
}
GUIDS = {
    "upper-case": str.upper,
    "word": lambda _: "adele",
    "cut": lambda guid: guid[:-1],
    "longer": lambda guid: f"{guid}0",
    "no-dashes": lambda guid: guid.replace("-", ""),
    "braces": lambda guid: f"{{{guid}}}",
    "urn": lambda guid: f"urn:uuid:{guid}",
    "space-before": lambda guid: f" {guid}",
    "newline-after": lambda guid: f"{guid}\n",
    "nul-after": lambda guid: f"{guid}\0",
    "not-hexadecimal": lambda guid: f"g{guid[1:]}",
    "arabic-digits": lambda guid: guid.replace("0", "\u0660"),
    "two": lambda guid: f"{guid},{guid}",
}
SUBJECTS = {
    "257-letters": "s" * 257,
    "ten-thousand-letters": "s" * 10_000,
    "blank": "sub ject",
    "newline": "sub\nlevel=error",
    "carriage-return": "sub\r\nX-Injected: yes",
    "nul": "sub\0",
    "escape": "sub\x1b[2J",
    "delete": "sub\x7f",
    "accented": "sub\u00e9",
    "right-to-left": "\u202ebus",
    "zero-width": "s\u200bub",
    "surrogate": "\ud800",
    "key-separator": "a\x1fb",
}


def items() -> Iterator[Item]:
    yield from _wrong_types()
    yield from _dates()
    yield from _spellings()
    yield from _repeated()


def _item(name: str, text: str, reason: str, clause: str, expected: str) -> Item:
    return Item(f"clm-{name}", FAMILY, text, reason, clause, expected)


def _wrong_types() -> Iterator[Item]:
    for name, (good, leaf, clause) in TEXTS.items():
        values: dict[str, Any] = {
            "null": None,
            "number": 7,
            "true": True,
            "false": False,
            "list": [good],
            "object": {good: good},
        }
        for kind, value in values.items():
            if (name, kind) != ("aud", "list"):
                text, reason = said(**{name: value}), f"{name} is of the wrong type: {kind}."
                yield _item(f"{name}-{kind}", text, reason, clause, leaf)
        if name != "scp":
            text = said(name)
            yield _item(f"{name}-missing", text, f"{name} is missing.", clause, leaf)
            text = said(**{name: ""})
            yield _item(f"{name}-empty", text, f"{name} is empty.", clause, leaf)
    text, clause = said_v1("appid"), "Entra, Access token claims reference"
    yield _item("appid-missing", text, "A v1 token without appid.", clause, "TokenMalformed")
    for kind, version in {"future": "3.0", "one": "1", "two": "2", "blank": "2.0 "}.items():
        reason = f"ver is {version!a}."
        yield _item(f"ver-{kind}", said(ver=version), reason, clause, "TokenMalformed")
    text = said(ver=2.0)
    yield _item("ver-float", text, "ver is a number.", clause, "TokenMalformed")


def _dates() -> Iterator[Item]:
    clauses = {"exp": "RFC 7519 4.1.4", "nbf": "RFC 7519 4.1.5", "iat": "RFC 7519 4.1.6"}
    for name, clause in clauses.items():
        for kind, value in DATES.items():
            reason = f"{name} is not a number of seconds: {kind}."
            yield _item(f"{name}-{kind}", said(**{name: value}), reason, clause, "TokenMalformed")
    for name in ("exp", "nbf"):
        reason = f"{name} is missing."
        yield _item(f"{name}-missing", said(name), reason, clauses[name], "TokenMalformed")
    body = compact_json(person()).replace(f'"exp":{NOW + 3900}'.encode(), b'"exp":1e400')
    reason = "exp is greater than any float."
    yield _item("exp-overflow", token(body=body), reason, clauses["exp"], "TokenMalformed")
    ends = {"just-now": NOW - LEEWAY, "yesterday": NOW - 86_400, "zero": 0}
    for kind, end in ends.items():
        reason = f"Expired, leeway included: {kind}."
        yield _item(f"exp-{kind}", said(exp=end), reason, clauses["exp"], "TokenExpired")
    before = NOW - 4000
    text = said(exp=before, nbf=before + 1000, iat=before + 1000)
    yield _item("exp-before-nbf", text, "Ends before it begins.", clauses["exp"], "TokenExpired")
    starts = {"soon": NOW + LEEWAY + 1, "tomorrow": NOW + 86_400, "far": (1 << 33) - 1}
    for kind, start in starts.items():
        reason, leaf = f"Not yet valid, leeway included: {kind}.", "TokenNotYetValid"
        yield _item(f"nbf-{kind}", said(nbf=start), reason, clauses["nbf"], leaf)
        yield _item(f"iat-{kind}", said(iat=start), reason, clauses["iat"], leaf)


def _spellings() -> Iterator[Item]:
    for kind, audience in AUDIENCES.items():
        text, reason = said(aud=audience), f"The audience is not ours: {kind}."
        yield _item(f"aud-{kind}", text, reason, "RFC 8725 3.9", "WrongAudience")
    for kind, issuer in ISSUERS.items():
        text, reason = said(iss=issuer), f"The issuer is not ours: {kind}."
        yield _item(f"iss-{kind}", text, reason, "RFC 8725 3.8", "WrongIssuer")
    for kind, tenant in TENANTS.items():
        text, reason = said(tid=tenant), f"The tenant is not ours: {kind}."
        yield _item(f"tid-{kind}", text, reason, "Entra, Claims validation", "WrongTenant")
    for name, good in {"oid": OID, "azp": CALLER}.items():
        for kind, change in GUIDS.items():
            text, reason = said(**{name: change(good)}), f"{name} is not a GUID of Entra's: {kind}."
            clause = "Entra, Access token claims reference"
            yield _item(f"{name}-{kind}", text, reason, clause, "TokenMalformed")
    for kind, subject in SUBJECTS.items():
        text, reason = said(sub=subject), f"sub is not plain text: {kind}."
        yield _item(f"sub-{kind}", text, reason, "RFC 8725 3.4", "TokenMalformed")


def _repeated() -> Iterator[Item]:
    strangers: dict[str, Any] = {
        "aud": "https://graph.microsoft.com",
        "iss": "https://evil.example",
        "tid": "00000000-0000-0000-0000-000000000000",
        "oid": "33333333-3b0a-4a7e-9a43-5d8f21c7e601",
        "sub": "somebody-else",
        "azp": "33333333-2d4f-4a61-9b83-0c5d7e9f1a2b",
        "exp": NOW - 86_400,
        "nbf": NOW + 86_400,
        "scp": "none",
        "ver": "1.0",
    }
    good = person()
    for name, value in strangers.items():
        inside = compact_json(good)[1:-1]
        other = compact_json({name: value})[1:-1]
        for kind, raw in {"first": inside + b"," + other, "last": other + b"," + inside}.items():
            text, reason = token(body=b"{" + raw + b"}"), f"{name} twice; the {kind} is good."
            yield _item(f"{name}-twice-{kind}", text, reason, "RFC 7519 4", "TokenMalformed")
    inside = compact_json(good)[:-1]
    others = {
        "same": b',"aud":"' + CLIENT.encode() + b'"}',
        "escaped": b',"\\u0061ud":"https://graph.microsoft.com"}',
        "nested": b',"xms_x":{"a":1,"a":2}}',
        "nested-in-list": b',"xms_x":[{"a":1,"a":1}]}',
        "empty-names": b',"":1,"":2}',
    }
    for kind, rest in others.items():
        text, reason = token(body=inside + rest), f"A member occurs twice: {kind}."
        yield _item(f"twice-{kind}", text, reason, "RFC 7519 4", "TokenMalformed")
