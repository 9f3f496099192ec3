"""Ways to spoil a token: its letters, its parts, its base64, its JSON, its signature.

Each takes a source of chance, the text to spoil and other tokens to borrow from, and returns a
text. Nothing is signed here, so none of the results may be let in, unless chance restored a token
that somebody did sign.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fuzz.shapes import b64, json_bytes, unb64
from support.tokens import CLIENT, ISSUER_V1, ISSUER_V2, KID, NOW, TENANT, key

Mutation = Callable[[Random, str, Sequence[str]], str]

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRANGE = ".=+/ \t\r\n\0,;\"'%&\x7f\x80\xa0\xff\u00e9\u0131\u017f\u200b\u2024\u212a\uff0e\uff21"
STRANGER = STRANGE + "\ufeff\U0001d400\ud800\udfff"
ALPHABET = BASE64URL + STRANGER
ALGORITHMS = [
    "none", "None", "NONE", "rs256", "RS256 ", "RS384", "RS512", "PS256", "ES256", "EdDSA",
    "HS256", "HS384", "HS512", "", None, 0, True, ["RS256"], {"alg": "RS256"},
]  # fmt: skip
MEMBERS = [
    "alg", "kid", "typ", "cty", "crit", "zip", "b64", "jku", "jwk", "x5u", "x5c", "x5t",
    "x5t#S256", "nonce", "enc", "ALG", "Kid", "", "\u0000",
]  # fmt: skip
CLAIMS = [
    "aud", "iss", "iat", "nbf", "exp", "azp", "appid", "azpacr", "oid", "scp", "sub", "tid", "ver",
    "roles", "idtyp", "wids", "xms_act_fct", "xms_sub_fct", "xms_par_app_azp", "name", "jti",
]  # fmt: skip
VALUES = [
    None, True, False, 0, -1, 1, NOW, NOW + 86_400, 2**33, 10**30, 1.5, 1e30, "", " ", "mcp.access",
    "mcp.access admin", "app", "user", "1.0", "2.0", CLIENT, f"api://{CLIENT}", ISSUER_V1,
    ISSUER_V2, TENANT, KID, "JWT", "at+jwt", [], {}, [CLIENT], {"a": [1]}, "\u0000", "\ud800",
]  # fmt: skip
WRAPPINGS = [
    (" ", ""), ("", " "), ("", "\n"), ("\ufeff", ""), ('"', '"'), ("Bearer ", ""),
    ("", "."), (".", ""), ("", "="), ("", "\0"), ("", "\r\nX: y"), ("", "?x=y"),
]  # fmt: skip


def place(chance: Random, text: str) -> int:
    return chance.randrange(len(text) + 1)


def span(chance: Random, text: str) -> tuple[int, int]:
    start = place(chance, text)
    return start, min(len(text), start + chance.choice((1, 1, 1, 2, 3, 4, 8, 64)))


def parts_of(text: str) -> list[str]:
    return text.split(".")


# --- letters -------------------------------------------------------------------------------------


def flip_a_bit(chance, text, others):
    at = place(chance, text[1:])
    flipped = chr(ord(text[at]) ^ 1 << chance.randrange(8)) if text else "A"
    return text[:at] + flipped + text[at + 1 :]


def replace_a_letter(chance, text, others):
    start, end = span(chance, text)
    return text[:start] + "".join(chance.choices(ALPHABET, k=end - start)) + text[end:]


def replace_a_letter_by_another_of_base64(chance, text, others):
    at = place(chance, text[1:])
    return text[:at] + chance.choice(BASE64URL) + text[at + 1 :]


def insert_letters(chance, text, others):
    at = place(chance, text)
    letters = chance.choice((ALPHABET, BASE64URL, STRANGER, "."))
    return text[:at] + "".join(chance.choices(letters, k=chance.choice((1, 1, 2, 4)))) + text[at:]


def delete_letters(chance, text, others):
    start, end = span(chance, text)
    return text[:start] + text[end:]


def repeat_letters(chance, text, others):
    start, end = span(chance, text)
    return text[:end] + text[start:end] + text[end:]


def exchange_two_letters(chance, text, others):
    first, second = sorted(place(chance, text[1:]) for _ in range(2))
    letters = list(text)
    if letters:
        letters[first], letters[second] = letters[second], letters[first]
    return "".join(letters)


def cut_off(chance, text, others):
    at = place(chance, text)
    return chance.choice((text[:at], text[at:], text[: -chance.randrange(1, 6)]))


def turn_case(chance, text, others):
    start, end = span(chance, text)
    whole = chance.choice((str.upper, str.lower, str.swapcase, str.title, str.casefold))
    return chance.choice((text[:start] + text[start:end].swapcase() + text[end:], whole(text)))


def write_a_letter_in_another_script(chance, text, others):
    at = place(chance, text[1:])
    letter = text[at : at + 1]
    fullwidth = chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else "\uff21"
    odd = chance.choice((fullwidth, letter + "\u0301", "\u200d" + letter, "\ud800", "\u212a"))
    return text[:at] + odd + text[at + 1 :]


def wrap(chance, text, others):
    before, after = chance.choice(WRAPPINGS)
    return before + text + after


def make_it_long(chance, text, others):
    kind, size = chance.choice("A.=-\0"), chance.choice((1, 1_000, 16_384 - len(text), 17_000))
    at = place(chance, text)
    return text[:at] + kind * max(1, size) + text[at:]


# --- parts ---------------------------------------------------------------------------------------


def join_two(chance, text, others):
    joint = chance.choice(("", ".", ",", " ", ";", "..", "\n", "~"))
    return joint.join((text, chance.choice((text, *others))))


def borrow_parts(chance, text, others):
    other = parts_of(chance.choice(others))
    return ".".join(chance.choice(pair) for pair in zip(parts_of(text), other, strict=False))


def shuffle_parts(chance, text, others):
    parts = parts_of(text)
    return ".".join(chance.choices(parts, k=chance.choice((1, 2, 3, 3, 3, 4, 5, 6))))


def empty_a_part(chance, text, others):
    parts = parts_of(text)
    parts[chance.randrange(len(parts))] = chance.choice(("", "A", "AA", "e30", "W10", "bnVsbA"))
    return ".".join(parts)


def at_one_part(chance: Random, text: str, change: Callable[[str], str]) -> str:
    parts = parts_of(text)
    which = chance.randrange(len(parts))
    parts[which] = change(parts[which])
    return ".".join(parts)


def write_base64_otherwise(chance, text, others):
    def otherwise(part: str) -> str:
        return chance.choice(
            [
                part + "=" * chance.randrange(1, 4),
                part.replace("-", "+").replace("_", "/"),
                part.replace("-", "_"),
                part[:-1] + chance.choice(BASE64URL),
                part + "A",
                part[: len(part) // 2] + "=" + part[len(part) // 2 :],
                part[:76] + "\n" + part[76:],
                b64(part.encode("utf-8", "replace")),
            ]
        )

    return at_one_part(chance, text, otherwise)


def change_octets(chance, text, others):
    def changed(part: str) -> str:
        octets = bytearray(decoded(part))
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(4):
            case 0:
                octets[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                octets[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
            case 2:
                del octets[at : at + 1]
            case _:
                octets = octets[:at]
        return b64(octets)

    return at_one_part(chance, text, changed)


def decoded(part: str) -> bytes:
    try:
        return unb64(part)
    except ValueError:
        return b"{}"


# --- JSON, written anew and not signed anew ------------------------------------------------------


def member_of(part: str) -> dict[str, Any]:
    try:
        value = json.loads(decoded(part))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def with_changed_json(chance: Random, text: str, which: int, change: Callable[[Any], Any]) -> str:
    parts = parts_of(text)
    if len(parts) <= which:
        return text
    value = change(member_of(parts[which]))
    parts[which] = b64(value if isinstance(value, bytes) else json_bytes(value))
    return ".".join(parts)


def change_the_header(chance, text, others):
    def change(header):
        match chance.randrange(5):
            case 0:
                return header | {"alg": chance.choice(ALGORITHMS)}
            case 1:
                return header | {chance.choice(MEMBERS): chance.choice(VALUES)}
            case 2:
                return without_one(chance, header)
            case 3:
                return {name.upper(): value for name, value in header.items()}
            case _:
                return header | {"kid": chance.choice(VALUES)}

    return with_changed_json(chance, text, 0, change)


def change_the_claims(chance, text, others):
    def change(claims):
        match chance.randrange(4):
            case 0:
                return without_one(chance, claims)
            case 1:
                return claims | {chance.choice(CLAIMS): chance.choice(VALUES)}
            case 2:
                return claims | {"exp": NOW + chance.randrange(1, 10**6)}
            case _:
                return {**claims, chance.choice(CLAIMS): claims.get(chance.choice(CLAIMS))}

    return with_changed_json(chance, text, 1, change)


def without_one(chance: Random, members: dict[str, Any]) -> dict[str, Any]:
    gone = chance.choice((*members, ""))
    return {name: value for name, value in members.items() if name != gone}


def write_json_otherwise(chance, text, others):
    def otherwise(value):
        raw = json_bytes(value)
        return chance.choice(
            [
                json.dumps(value, indent=1).encode(),
                json.dumps(dict(sorted(value.items()))).encode(),
                b"\xef\xbb\xbf" + raw,
                raw.decode().encode("utf-16"),
                raw + chance.choice((b" ", b"{}", b"\0", b"//", b",")),
                b"[" + raw + b"]",
                raw[:-1] + b"," + raw[1:],
                raw.replace(b"a", b"\\u0061"),
                b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
                raw[:-1] + b',"exp":' + b"9" * chance.choice((1, 400, 5_000)) + b"}",
                raw[:-1] + b',"x":' + chance.choice((b"NaN", b"Infinity", b"-0", b"1e999")) + b"}",
            ]
        )

    return with_changed_json(chance, text, chance.randrange(2), otherwise)


# --- signatures ----------------------------------------------------------------------------------


def forge_the_signature(chance, text, others):
    """Arithmetic that leaves the number the same modulo n, and numbers that are always special."""
    head, _, signature = text.rpartition(".")
    modulus = key(KID).public_key().public_numbers().n
    size = 256
    number = int.from_bytes(decoded(signature)[-size:])
    forged = chance.choice(
        [
            (number + modulus).to_bytes(size + 1),
            (modulus - number % modulus).to_bytes(size),
            b"\0" + number.to_bytes(size),
            number.to_bytes(size) + b"\0",
            bytes(size),
            b"\xff" * size,
            (1).to_bytes(size),
            (modulus - 1).to_bytes(size),
            number.to_bytes(size)[::-1],
            chance.randbytes(chance.choice((0, 1, 32, 64, 255, 256, 257))),
        ]
    )
    return f"{head}.{b64(forged)}"


def sign_with_what_is_public(chance, text, others):
    """HMAC with the public key as its secret (RFC 8725 section 2.1)."""
    public = key(KID).public_key()
    secret = chance.choice(
        [
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            b"",
        ]
    )
    algorithm = chance.choice(("HS256", "RS256", "HS512"))
    header = b64(json_bytes({"alg": algorithm, "typ": "JWT", "kid": KID}))
    payload = text.partition(".")[2].partition(".")[0].encode("utf-8", "replace").decode()
    digest = hashlib.sha512 if algorithm == "HS512" else hashlib.sha256
    return f"{header}.{payload}.{b64(hmac.digest(secret, f'{header}.{payload}'.encode(), digest))}"


SIMPLE: tuple[Mutation, ...] = (
    flip_a_bit,
    replace_a_letter,
    replace_a_letter_by_another_of_base64,
    insert_letters,
    delete_letters,
    repeat_letters,
    exchange_two_letters,
    cut_off,
    turn_case,
    write_a_letter_in_another_script,
    wrap,
    make_it_long,
    join_two,
    borrow_parts,
    shuffle_parts,
    empty_a_part,
    write_base64_otherwise,
    change_octets,
    change_the_header,
    change_the_claims,
    write_json_otherwise,
    forge_the_signature,
    sign_with_what_is_public,
)


def spoil(chance: Random, text: str, others: Sequence[str]) -> tuple[str, list[str]]:
    """A spoilt text, and the names of what was done to it: mostly one thing, at times several."""
    names = []
    for mutation in chance.choices(SIMPLE, k=chance.choice((1, 1, 1, 1, 2, 3))):
        text = mutation(chance, text, others)
        names.append(mutation.__name__)
    return text, names
