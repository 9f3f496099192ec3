"""Base64url and JSON without latitude."""

import pytest

from obo_mcp.inbound.encoding import json_object, octets


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("", b""),
        ("AA", b"\0"),
        ("_-8", b"\xff\xef"),
        ("AAAA", b"\0\0\0"),
        ("AAAX", b"\0\0\x17"),
        ("XXXX", b"\x5d\x75\xd7"),
    ],
)
def test_canonical_base64url_is_decoded(text, decoded):
    assert octets(text) == decoded


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "AAAAA", "AA==", "AA=", "+/AA", "A A", "AA\n", "A.AA", "A\u0130"]
)
def test_padding_stray_bits_and_strange_characters_are_refused(text):
    with pytest.raises(ValueError, match=r"base64url|ascii|ASCII"):
        octets(text)


def test_an_object_is_read_with_all_its_members():
    assert json_object('{"a":{"b":[1,{"c":"ä"}]},"d":null}'.encode()) == {
        "a": {"b": [1, {"c": "ä"}]},
        "d": None,
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"{}"',
        b"{}{}",
        b"{} x",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":[{"b":1,"b":1}]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":Infinity}',
        b"\xef\xbb\xbf{}",
        b"\xff",
        "{}".encode("utf-16"),
        b'{"\xed\xa0\x80":1}',
        b'{"a":' * 60_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
    ids=range(18),
)
def test_everything_else_is_refused_and_repeated_nowhere(raw):
    with pytest.raises(ValueError, match=r"^not one plain JSON object$") as caught:
        json_object(raw)
    assert caught.value.__context__ is None
