"""Secrets show themselves only when asked by name."""

import copy
import hashlib
import json
import pickle

import pytest

from obo_mcp.secret import ClearMembers, ClearOctets, ClearToken, Secret


def test_a_secret_is_hidden_in_every_text_form():
    secret = Secret("hunter2")
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret])):
        assert "hunter2" not in text
    assert secret.reveal() == "hunter2"


def test_secrets_compare_by_value_and_never_with_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_the_digest_is_the_sha256_of_the_text():
    assert Secret("é").digest() == hashlib.sha256("é".encode()).digest()


def test_an_empty_secret_is_false_and_its_length_is_told():
    assert not Secret("")
    assert len(Secret("abc")) == 3


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2"))


@pytest.mark.parametrize(
    "secret",
    [Secret("hunter2"), ClearToken("hunter2"), ClearOctets(b"hunter2")],
    ids=lambda secret: type(secret).__name__,
)
def test_a_copy_is_the_same_secret(secret):
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"s": secret})["s"] is secret


def test_a_clear_token_is_text_for_every_use_but_its_repr():
    token = ClearToken("abc.def")
    assert f"Bearer {token}" == "Bearer abc.def"
    assert token.encode() == b"abc.def"
    assert "abc" not in repr({"token": token})


@pytest.mark.parametrize(
    "clear",
    [ClearToken("hunter2"), ClearOctets(b"hunter2"), ClearMembers(name="hunter2")],
    ids=lambda clear: type(clear).__name__,
)
def test_what_is_clear_for_use_is_neither_shown_nor_pickled(clear):
    for text in (repr(clear), ascii(clear), f"{clear!r}", repr([clear]), f"{[clear]}"):
        assert "hunter2" not in text
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(clear, protocol)


def test_clear_octets_are_bytes_whose_text_is_hidden_too():
    octets = ClearOctets(b"Bearer \xe9")
    assert octets == b"Bearer \xe9"
    assert octets.partition(b" ")[2] == b"\xe9"
    assert str(octets) == f"{octets}" == "<hidden>"
    assert octets.decode("latin-1") == "Bearer é"
    assert repr(octets.decode("latin-1")) == "<hidden>"
    assert f"{octets.decode('latin-1')}" == "Bearer é"


def test_clear_members_are_a_dictionary_for_every_use_but_its_text():
    members = ClearMembers(upn="adele")
    assert members == {"upn": "adele"}
    assert json.dumps(members) == '{"upn": "adele"}'
    assert dict(**members) == {"upn": "adele"}
    assert f"{members} {members!s}" == "<hidden> <hidden>"


def test_text_that_cannot_be_encoded_is_named_and_compared_without_showing_it():
    odd = Secret("hunter2\ud800")
    assert odd == Secret("hunter2\ud800")
    assert odd != Secret("hunter2")
    assert len(odd.digest()) == 32
    assert hash(odd) == hash(Secret("hunter2\ud800"))
