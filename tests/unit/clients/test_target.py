"""Which sign-in the options, the environment and the sign-in before add up to."""

from pathlib import Path

import pytest

from obo_cli.credentials import CredentialStore, Login
from obo_cli.outcome import CommandFailed, ExitCode
from obo_cli.target import Wish

EARLIER = Login(
    authority="https://localhost:9/first", client_id="app", scopes=("api://x/one",),
    account="oid-1", ca_bundle="/first/ca.pem",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    CredentialStore(tmp_path / "store").remember(EARLIER)
    return tmp_path / "store"


def wish(**said):
    nothing = {
        "tenant": "", "client_id": "", "scopes": (), "authority_host": "", "ca_bundle": None,
        "typed": True,
    }  # fmt: skip
    return Wish(**(nothing | said))


def test_another_scope_is_asked_where_the_earlier_sign_in_was(folder):
    target = wish(scopes=["api://x/two"]).login(CredentialStore(folder))
    assert target == Login(
        authority=EARLIER.authority, client_id="app", scopes=("api://x/two",), account="",
        ca_bundle=EARLIER.ca_bundle,
    )  # fmt: skip


def test_another_tenant_and_host_are_not_ignored_for_the_earlier_ones(folder):
    elsewhere = wish(tenant="second", authority_host="https://login.example/")
    target = elsewhere.login(CredentialStore(folder))
    assert target.authority == "https://login.example/second"
    assert (target.client_id, target.scopes) == ("app", ("api://x/one",))
    assert target.ca_bundle is None, "it vouches for the earlier host only"


@pytest.mark.parametrize(
    ("said", "authority"),
    [
        ({"tenant": "second"}, "https://localhost:9/second"),
        ({"authority_host": "https://login.example"}, "https://login.example/first"),
    ],
)
def test_tenant_and_host_can_change_one_without_the_other(folder, said, authority):
    assert wish(**said).login(CredentialStore(folder)).authority == authority


def test_another_certificate_bundle_alone_is_taken(folder):
    target = wish(ca_bundle=Path("/second/ca.pem")).login(CredentialStore(folder))
    assert (target.authority, target.ca_bundle) == (EARLIER.authority, "/second/ca.pem")


def test_tenant_client_and_scope_together_owe_nothing_to_the_earlier_sign_in(folder):
    whole = wish(tenant="second", client_id="other", scopes=["api://y/one"])
    (folder / "last-login.json").write_text("{ half")
    target = whole.login(CredentialStore(folder))
    assert target.authority == "https://login.microsoftonline.com/second"
    assert target.ca_bundle is None


def test_with_nothing_typed_the_environment_does_not_change_the_earlier_sign_in(folder):
    found = wish(tenant="second", authority_host="https://login.example", typed=False)
    assert found.login(CredentialStore(folder)) == EARLIER


def test_with_too_little_a_damaged_earlier_sign_in_is_named_with_its_cure(folder):
    (folder / "last-login.json").write_text("{ half")
    with pytest.raises(CommandFailed, match=r"obo-mcp login --logout$") as failure:
        wish(tenant="second").login(CredentialStore(folder))
    assert failure.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("typed", "environment", "asked"),
    [
        ([], {"OBO_MCP_TENANT_ID": "second"}, "https://localhost:9/first"),
        (["--tenant", "second"], {}, "https://localhost:9/second"),
        (
            ["--tenant", "second", "--authority-host", "https://localhost:7"],
            {"OBO_MCP_AUTHORITY_HOST": "https://localhost:8"},
            "https://localhost:7/second",
        ),
    ],
)
def test_the_verb_tells_typed_from_found(obo, tmp_path, typed, environment, asked):
    store = CredentialStore(tmp_path / "store")
    store.remember(Login(authority=EARLIER.authority, client_id="app", scopes=("s",), account="o"))
    done = obo("login", *typed, "--device-code", "--store", store.folder, env=environment)
    assert done.exit_code == 4
    assert f"{asked} cannot be reached" in done.stderr
