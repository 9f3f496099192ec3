import json
import os
import stat

import msal
import pytest
from msal_extensions.persistence import PersistenceNotFound

from obo_cli.credentials import CredentialStore, Login, OwnerOnlyFile
from obo_cli.outcome import CommandFailed, ExitCode

AUTHORITY, CLIENT = "https://login.example/t", "client"
LOGIN = Login(authority=AUTHORITY, client_id=CLIENT, scopes=("api://x/s",), account="oid-1")

posix = pytest.mark.skipif(os.name != "posix", reason="file modes mean nothing here")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def token_file(folder):
    (file,) = folder.glob("tokens-*.json")
    return file


def keep_something(folder, authority=AUTHORITY):
    cache = CredentialStore(folder).cache(authority, CLIENT)
    cache.modify(msal.TokenCache.CredentialType.APP_METADATA, {}, {"environment": authority})


@posix
def test_folder_and_files_are_the_owners_alone(folder):
    keep_something(folder)
    CredentialStore(folder).remember(LOGIN)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_file_open_to_others_is_refused(folder, mode):
    keep_something(folder)
    token_file(folder).chmod(mode)
    with pytest.raises(CommandFailed, match="open to other people") as failure:
        CredentialStore(folder).cache(AUTHORITY, CLIENT)
    assert failure.value.code is ExitCode.USAGE


@posix
def test_a_folder_open_to_others_is_refused(folder):
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(CommandFailed, match="chmod 700"):
        CredentialStore(folder)


@posix
def test_a_link_in_place_of_the_token_file_is_refused(folder, tmp_path):
    keep_something(folder)
    file, elsewhere = token_file(folder), tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(CommandFailed, match="cannot be kept safely"):
        CredentialStore(folder).cache(AUTHORITY, CLIENT)


def test_a_folder_that_is_a_file_is_refused_in_words(folder):
    folder.write_text("in the way")
    with pytest.raises(CommandFailed, match="cannot be kept safely"):
        CredentialStore(folder)


def test_a_damaged_token_file_is_named_and_not_overwritten(folder):
    keep_something(folder)
    token_file(folder).write_text("{ half")
    with pytest.raises(CommandFailed, match="cannot be understood"):
        CredentialStore(folder).cache(AUTHORITY, CLIENT)
    assert token_file(folder).read_text() == "{ half"


def test_each_authority_and_client_has_its_own_cache(folder):
    keep_something(folder)
    keep_something(folder, "https://other.example/t")
    assert len(list(folder.glob("tokens-*.json"))) == 2


def test_two_caches_of_one_sign_in_do_not_lose_each_others_writes(folder):
    first, second = (CredentialStore(folder).cache(AUTHORITY, CLIENT) for _ in range(2))
    kind = msal.TokenCache.CredentialType.APP_METADATA
    for cache, name in ((first, "a"), (second, "b"), (first, "c")):
        cache.modify(kind, {"environment": name, "client_id": name}, {"family_id": "1"})
    kept = json.loads(token_file(folder).read_text())["AppMetadata"]
    assert {entry["environment"] for entry in kept.values()} == {"a", "b", "c"}


def test_the_last_login_is_remembered_without_a_token(folder):
    store = CredentialStore(folder)
    assert store.last() is None
    store.remember(LOGIN)
    assert CredentialStore(folder).last() == LOGIN
    assert set(json.loads((folder / "last-login.json").read_text())) == {
        "authority",
        "client_id",
        "scopes",
        "account",
        "ca_bundle",
    }


@pytest.mark.parametrize(
    "kept",
    [
        '{"scopes": 3}',
        "{ half",
        "[]",
        '{"authority": 5, "client_id": "c", "scopes": ["s"], "account": "a"}',
        '{"authority": "a", "client_id": "c", "scopes": [], "account": "a"}',
    ],
)
def test_a_last_login_that_is_not_ours_is_refused(folder, kept):
    store = CredentialStore(folder)
    OwnerOnlyFile(folder / "last-login.json").save(kept)
    with pytest.raises(CommandFailed, match=r"cannot be understood.*obo-mcp login --logout$"):
        store.last()


def test_forgetting_removes_tokens_and_memory(folder):
    keep_something(folder)
    store = CredentialStore(folder)
    store.remember(LOGIN)
    store.forget(LOGIN)
    assert store.last() is None
    assert list(folder.iterdir()) == []


def test_forgetting_all_needs_no_readable_file(folder):
    keep_something(folder)
    keep_something(folder, "https://other.example/t")
    token_files = list(folder.glob("tokens-*.json"))
    token_files[0].write_text("{ half")
    (folder / "last-login.json").write_text("{ half")
    CredentialStore(folder).forget_all()
    assert list(folder.iterdir()) == []


def test_an_absent_file_is_reported_as_msal_extensions_expects(folder):
    file = OwnerOnlyFile(folder / "nothing")
    with pytest.raises(PersistenceNotFound):
        file.load()
    with pytest.raises(PersistenceNotFound):
        file.time_last_modified()
