"""Family "structure", the JSON: header and payload are each one plain object in UTF-8."""

import json
from collections.abc import Iterator

from vectors.forging.material import Item, compact_json, header, person, token

FAMILY = "structure"


def items() -> Iterator[Item]:
    for name, whole in (("header", header()), ("payload", person())):
        for kind, raw in _not_objects(whole).items():
            yield _item(name, kind, raw, "Not one JSON object", "RFC 7515 4")
        for kind, raw in _not_utf8(whole).items():
            yield _item(name, kind, raw, "Not plain UTF-8", "RFC 8725 3.7")
        for kind, raw in _not_json(whole).items():
            yield _item(name, kind, raw, "Not JSON", "RFC 8259 2")
    for kind, raw in _too_much(person()).items():
        yield _item("payload", kind, raw, "More than a reader should follow", "RFC 8259 9")


def _item(name: str, kind: str, raw: bytes, what: str, clause: str) -> Item:
    text = token(raw) if name == "header" else token(body=raw)
    return Item(
        f"str-{name}-{kind}", FAMILY, text, f"{what}: the {name} is {kind}.", clause,
        "TokenMalformed",
    )  # fmt: skip


def _not_objects(whole: dict[str, object]) -> dict[str, bytes]:
    raw = compact_json(whole)
    return {
        "array": compact_json([whole]),
        "pairs": compact_json(list(whole.items())),
        "string": compact_json(raw.decode()),
        "number": b"7",
        "null": b"null",
        "true": b"true",
        "blank": b" ",
        "empty-object": b"{}",
        "cut": raw[:-1],
        "trailing-letter": raw + b"x",
        "trailing-comma-after": raw + b",",
        "two-objects": raw + raw,
        "two-lines": raw + b"\n" + raw,
        "leading-comma": b"," + raw,
        "anti-hijack": b")]}'\n" + raw,
    }


def _not_utf8(whole: dict[str, object]) -> dict[str, bytes]:
    text = compact_json(whole).decode()
    inside = text[:-1] + ',"nonce":"{}"}}'
    start, end = inside.removesuffix('"nonce":"{}"}}') + '"nonce":"', '"}'
    return {
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "utf-16-bom": text.encode("utf-16"),
        "utf-32": text.encode("utf-32-le"),
        "latin-1": (start + "\u00e9" + end).encode("latin-1"),
        "overlong": start.encode() + b"\xc0\xaf" + end.encode(),
        "cut-character": start.encode() + b"\xe2\x82" + end.encode(),
        "encoded-surrogate": start.encode() + b"\xed\xa0\x80" + end.encode(),
        "beyond-unicode": start.encode() + b"\xf4\x90\x80\x80" + end.encode(),
        "stray-byte": text.encode() + b"\xff",
        "nul-after": text.encode() + b"\0",
        "nul-before": b"\0" + text.encode(),
    }


def _not_json(whole: dict[str, object]) -> dict[str, bytes]:
    text = compact_json(whole).decode()
    open_end = text[:-1]
    return {
        "trailing-comma": f"{open_end},}}".encode(),
        "single-quotes": text.replace('"', "'").encode(),
        "comment": f"{open_end}/* ok */}}".encode(),
        "line-comment": f"{text}// ok".encode(),
        "bare-name": f"{open_end},nonce:1}}".encode(),
        "number-name": f"{open_end},1:1}}".encode(),
        "no-colon": f'{open_end},"nonce" 1}}'.encode(),
        "nan": f'{open_end},"nonce":NaN}}'.encode(),
        "infinity": f'{open_end},"nonce":Infinity}}'.encode(),
        "minus-infinity": f'{open_end},"nonce":-Infinity}}'.encode(),
        "nested-nan": f'{open_end},"nonce":[{{"a":NaN}}]}}'.encode(),
        "leading-zero": f'{open_end},"nonce":01}}'.encode(),
        "plus-sign": f'{open_end},"nonce":+1}}'.encode(),
        "hexadecimal": f'{open_end},"nonce":0x1}}'.encode(),
        "bare-fraction": f'{open_end},"nonce":.5}}'.encode(),
        "undefined": f'{open_end},"nonce":undefined}}'.encode(),
        "python-none": f'{open_end},"nonce":None}}'.encode(),
        "newline-in-text": f'{open_end},"nonce":"a\nb"}}'.encode(),
        "nul-in-text": f'{open_end},"nonce":"a\0b"}}'.encode(),
        "bad-escape": f'{open_end},"nonce":"\\x41"}}'.encode(),
        "cut-escape": f'{open_end},"nonce":"\\u00"}}'.encode(),
        "no-break-space": f"\u00a0{text}".encode(),
        "form-feed": f"\f{text}".encode(),
    }


def _too_much(whole: dict[str, object]) -> dict[str, bytes]:
    open_end = compact_json(whole).decode()[:-1]
    return {
        "deep-arrays": f'{open_end},"a":{"[" * 5000}{"]" * 5000}}}'.encode(),
        "deep-objects": f'{open_end},"a":{_nested(1800)}}}'.encode(),
        "deep-unclosed": f'{open_end},"a":{"[" * 10_000}'.encode(),
        "deep-only": b"[" * 5000 + b"]" * 5000,
        "endless-integer": f'{open_end},"a":{"9" * 9000}}}'.encode(),
        "endless-negative": f'{open_end},"a":-{"9" * 9000}}}'.encode(),
    }


def _nested(depth: int) -> str:
    return '{"a":' * depth + json.dumps("end") + "}" * depth
