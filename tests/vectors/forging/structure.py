"""Family "structure", the text: anything but three parts of base64url in at most 16 KiB."""

import json
import os
from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vectors.forging.material import (
    Item,
    b64,
    compact_json,
    header,
    number,
    part,
    person,
    rsa_key,
    said,
    token,
)

FAMILY = "structure"
LIMIT = 16 * 1024
STRANGE = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "carriage-return": "\r",
    "crlf": "\r\n",
    "form-feed": "\f",
    "vertical-tab": "\v",
    "file-separator": "\x1c",
    "next-line": "\x85",
    "nbsp": "\u00a0",
    "zero-width-space": "\u200b",
    "ideographic-space": "\u3000",
    "right-to-left": "\u202e",
    "nul": "\0",
    "bom": "\ufeff",
    "surrogate": "\ud800",
    "escaped-byte": "\udcff",
}
WRAPPED = {
    "quotes": '"{}"',
    "single-quotes": "'{}'",
    "angles": "<{}>",
    "bearer": "Bearer {}",
    "bearer-lower": "bearer {}",
    "jwt-word": "JWT {}",
    "comma-after": "{},",
    "semicolon-after": "{};",
    "fragment": "{}#",
    "query": "{}?x=1",
    "percent-space": "%20{}",
    "sd-jwt": "{}~",
    "sd-jwt-disclosure": "{}~WyJzIiwibiIsInYiXQ~",
    "dot-before": ".{}",
    "dot-after": "{}.",
    "slash-after": "{}/",
    "url": "https://app.example/#access_token={}",
}
CHARACTERS = {
    "fullwidth": lambda c: chr(ord(c) + 0xFEE0),
    "arabic-digit": lambda _: "\u0661",
    "cyrillic": lambda _: "\u0430",
    "accented": lambda _: "\u00e9",
    "long-s": lambda _: "\u017f",
    "emoji": lambda _: "\U0001f511",
    "percent": lambda c: f"%{ord(c):02X}",
    "equals": lambda _: "=",
    "tilde": lambda _: "~",
    "exclamation": lambda _: "!",
    "plus": lambda _: "+",
    "slash": lambda _: "/",
}
HUGE = {
    "letters": ("A" * 2_000_000, "Two million letters."),
    "dots": ("." * 2_000_000, "Two million dots."),
    "spaces": (" " * 2_000_000, "Two million spaces."),
    "two-bytes-each": ("\u00e9" * 9_000, "9,000 characters, 18,000 bytes."),
    "parts": ("eyJ9." * 400_000, "400,000 parts."),
    "nesting": (b64(b"[[[" * 500_000), "1.5 million open brackets."),
}


def items() -> Iterator[Item]:
    yield from _counts()
    yield from _strange()
    yield from _alphabets()
    yield from _last_characters()
    yield from _other_serializations()
    yield from _too_long()


def _item(name: str, text: str, reason: str, clause: str = "RFC 7515 7.1") -> Item:
    return Item(f"str-{name}", FAMILY, text, reason, clause, "TokenMalformed")


def _counts() -> Iterator[Item]:
    head, body, signature = token().split(".")
    texts = {
        "nothing": "",
        "one-dot": ".",
        "two-dots": "..",
        "three-dots": "...",
        "one-part": body,
        "two-parts": f"{head}.{body}",
        "payload-and-signature": f"{body}.{signature}",
        "four-parts": f"{head}.{body}.{signature}.{signature}",
        "five-parts": f"{head}.{body}.{signature}.{body}.{signature}",
        "six-parts": f"{head}.{body}.{signature}.{head}.{body}.{signature}",
        "no-header": f".{body}.{signature}",
        "no-payload": f"{head}..{signature}",
        "no-signature": f"{head}.{body}.",
        "empty-in-the-middle": f"{head}..{body}.{signature}",
        "parts-swapped": f"{body}.{head}.{signature}",
        "two-tokens": f"{token()},{token()}",
        "two-tokens-joined": token() * 2,
    }
    for name, text in texts.items():
        yield _item(name, text, f"Not three parts in their order: {name}.")
    empty_head, empty_body = token(""), token(header(), "")
    yield _item("empty-header-signed", empty_head, "The header is empty, and signed.")
    yield _item("empty-payload-signed", empty_body, "The payload is empty, and signed.")


def _strange() -> Iterator[Item]:
    good = token()
    head, body, signature = good.split(".")
    for name, character in STRANGE.items():
        texts = {
            "before": f"{character}{good}",
            "after": f"{good}{character}",
            "inside": token(body=f"{body[:40]}{character}{body[40:]}"),
        }
        for place, text in texts.items():
            yield _item(f"{name}-{place}", text, f"A character no part may have, {place}: {name}.")
    yield _item("space-at-dots", f"{head} . {body} . {signature}", "Blanks around the dots.")
    folded = "\n".join(good[start : start + 64] for start in range(0, len(good), 64))
    yield _item("folded", folded, "Folded into lines of 64 characters.")
    for name, form in WRAPPED.items():
        yield _item(f"wrapped-{name}", form.format(good), f"A good token wrapped: {name}.")
    for name, encoding in {"le": "utf-16-le", "be": "utf-16-be", "bom": "utf-16"}.items():
        text = good.encode(encoding).decode("latin-1")
        yield _item(f"utf-16-{name}", text, "The token in UTF-16, read byte by byte.")
    dots = {"percent": "%2E", "fullwidth": "\uff0e", "ideographic": "\u3002", "middle": "\u00b7"}
    for name, dot in dots.items():
        yield _item(f"dot-{name}", good.replace(".", dot), f"Dots that are no dots: {name}.")


def _alphabets() -> Iterator[Item]:
    head, body, signature = token().split(".")
    for name, other in CHARACTERS.items():
        text = token(body=body[:50] + other(body[50]) + body[51:])
        yield _item(f"character-{name}", text, f"Not of the alphabet: {name}.", "RFC 7515 2")
    full = {"header": part(header(nonce="???>>>~~~")), "payload": part(person(uti="???>>>~~~"))}
    plain = {name: text.replace("-", "+").replace("_", "/") for name, text in full.items()}
    reason = "The alphabet with + and / in the {}."
    yield _item("standard-header", token(plain["header"]), reason.format("header"), "RFC 7515 2")
    text = token(body=plain["payload"])
    yield _item("standard-payload", text, reason.format("payload"), "RFC 7515 2")
    text = f"{head}.{body}.{_with_both(signature)}"
    yield _item("standard-signature", text, reason.format("signature"), "RFC 7515 2")
    for pad in ("=", "==", "===", "%3D"):
        texts = {
            "header": token(head + pad),
            "payload": token(body=body + pad),
            "signature": f"{token()}{pad}",
            "everywhere": f"{token(head + pad, body + pad)}{pad}",
        }
        for place, text in texts.items():
            yield _item(f"pad{pad}-{place}", text, f"Padding '{pad}': {place}.", "RFC 7515 2")


def _with_both(signature: str) -> str:
    """256 random bytes have a - or _ in their base64url in all but one of 50,000 cases."""
    return signature.replace("-", "+").replace("_", "/")


def _last_characters() -> Iterator[Item]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for spare in (1, 2):
        head = _json_of_length(header(), spare)
        body = _json_of_length(person(), spare)
        for step in (1, 3) if spare == 2 else (1, 7, 15):
            stray = [t[:-1] + alphabet[alphabet.index(t[-1]) + step] for t in (head, body)]
            yield _last(f"header-{spare}-{step}", token(stray[0]))
            yield _last(f"payload-{spare}-{step}", token(body=stray[1]))
    start, signature = token().rsplit(".", 1)
    for step in (1, 7, 15):
        stray_end = alphabet[alphabet.index(signature[-1]) + step]
        yield _last(f"signature-{step}", f"{start}.{signature[:-1]}{stray_end}")
    head, body, signature = token().split(".")
    for name, text in {
        "header": token(_json_of_length(header(), 0) + "A"),
        "payload": token(body=_json_of_length(person(), 0) + "A"),
        "signature": f"{head}.{body}.{signature}AAA",
    }.items():
        yield _last(f"alone-{name}", text)


def _last(name: str, text: str) -> Item:
    reason = "The last character of a part carries bits that belong to no byte."
    return _item(f"stray-bits-{name}", text, reason, "RFC 4648 3.5")


def _json_of_length(members: dict[str, object], spare: int) -> str:
    """The members in base64url, as JSON whose length leaves `spare` bytes over from three."""
    raw = compact_json(members)
    return b64(raw + b" " * ((spare - len(raw)) % 3))


def _other_serializations() -> Iterator[Item]:
    head, body, signature = token().split(".")
    one = {"protected": head, "signature": signature}
    serialized = {
        "json-flat": {"payload": body} | one,
        "json-general": {"payload": body, "signatures": [one]},
        "json-two-signatures": {"payload": body, "signatures": [one, one]},
        "json-unprotected": {"payload": body, "header": header(), "signature": signature},
        "json-in-list": [token()],
        "json-answer": {"access_token": token(), "token_type": "Bearer"},
    }
    for name, value in serialized.items():
        text = json.dumps(value)
        yield _item(name, text, f"Not the compact serialization: {name}.", "RFC 7515 7.2")
    yield _item("jwe", _encrypted(), "An encrypted token (JWE).", "RFC 7516 3.1")
    direct = ".".join((b64(b'{"alg":"dir","enc":"A256GCM"}'), "", "AA", "AA", "AA"))
    yield _item("jwe-direct", direct, "An encrypted token without a key.", "RFC 7516 3.1")
    text = token(body=token().encode())
    yield _item("nested", text, "The payload is a token, and cty does not say so.", "RFC 7519 7.2")
    saml = b64(b'<samlp:Assertion Version="2.0"><Issuer>x</Issuer></samlp:Assertion>')
    yield _item("saml", saml, "A SAML assertion.", "RFC 7522 2.1")
    yield _item("opaque", b64(os.urandom(48)), "An opaque token.", "RFC 7519 7.2")
    refresh = f"1.{b64(os.urandom(90))}.{b64(os.urandom(600))}"
    yield _item("refresh-token", refresh, "The shape of a refresh token of Entra.", "RFC 7519 7.2")


def _encrypted() -> str:
    """A JWE for our public key (RFC 7516 appendix A.1): everybody can make one."""
    head = b64(b'{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}')
    secret, nonce = os.urandom(32), os.urandom(12)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # as RFC 7518 says
    wrapped = rsa_key("one").public_key().encrypt(secret, oaep)
    sealed = AESGCM(secret).encrypt(nonce, token().encode(), head.encode())
    return ".".join((head, *map(b64, (wrapped, nonce, sealed[:-16], sealed[-16:]))))


def _too_long() -> Iterator[Item]:
    clause = "RFC 8725 3.4"
    yield _item("one-byte-too-long", of_length(LIMIT + 1), "16 KiB and one byte.", clause)
    yield _item("sixty-four-kib", of_length(65_536), "64 KiB, well signed.", clause)
    yield _item("one-mib", of_length(1 << 20), "1 MiB, well signed.", clause)
    for name, (text, reason) in HUGE.items():
        yield _item(f"huge-{name}", text, reason, clause)
    text = f"{part(header())}.{part(person())}.{'A' * 1_000_000}"
    yield _item("huge-signature", text, "A signature of a million letters.", clause)
    text = token(header(kid=number(7) * 300_000))
    yield _item("huge-header", text, "A header of 800 KB.", clause)


def of_length(wanted: int) -> str:
    """A valid token of exactly so many characters."""
    size = (wanted - len(said(aio=""))) * 3 // 4
    for more in range(-4, 5):
        text = said(aio="A" * (size + more))
        if len(text) == wanted:
            return text
    return _of_length_with_another_header(wanted)


def _of_length_with_another_header(wanted: int) -> str:
    for extra in range(1, 4):
        size = (wanted - len(token(header(nonce="A" * extra), person(aio="")))) * 3 // 4
        for more in range(-4, 5):
            text = token(header(nonce="A" * extra), person(aio="A" * (size + more)))
            if len(text) == wanted:
                return text
    raise AssertionError
