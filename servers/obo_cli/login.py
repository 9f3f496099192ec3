"""`obo-mcp login`: sign in with a browser or a device code, and keep the sign-in."""

import json
import logging
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from msal.oauth2cli import AuthCodeReceiver

from obo_cli.credentials import CredentialStore, Login
from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure, said_by_entra
from obo_cli.public_client import accepted, public_client
from obo_cli.target import PUBLIC_CLOUD, Wish, typed_any

_PATIENCE_SECONDS = 300

Tenant = Annotated[str, typer.Option(envvar="OBO_MCP_TENANT_ID", help="Tenant id or domain.")]
ClientId = Annotated[str, typer.Option(help="The public client app, not the server's own.")]
Scopes = Annotated[list[str] | None, typer.Option(help="api://SERVER/mcp.access; may repeat.")]
AuthorityHost = Annotated[
    str,
    typer.Option(
        envvar="OBO_MCP_AUTHORITY_HOST",
        help="Where the tenant lives.",
        show_default=PUBLIC_CLOUD,
    ),
]
CaBundle = Annotated[
    Path | None,
    typer.Option(envvar="OBO_MCP_CA_BUNDLE", help="PEM file to trust instead of the usual roots."),
]
DeviceCode = Annotated[bool, typer.Option("--device-code/--browser", help="How to sign in.")]
Store = Annotated[
    Path | None,
    typer.Option(envvar="OBO_MCP_LOGIN_STORE", help="A folder to use instead of the keyring."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
LogOut = Annotated[bool, typer.Option("--logout", help="Sign out instead.")]


class _Receiver:
    """MSAL's loopback receiver, with the opening of the browser in our hands."""

    def __init__(self, receiver: Any, open_browser: Callable[[str], object]) -> None:
        self._receiver = receiver
        self._open_browser = open_browser

    def get_auth_response(self, *, auth_uri: str, state: str, timeout: int, **_: Any) -> Any:
        """Show the sign-in page and wait for the form that it posts back."""
        self._open_browser(auth_uri)
        return self._receiver.get_auth_response(state=state, timeout=timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One person signing in. `announce` speaks to them; `open_browser` shows them a page."""

    store: CredentialStore
    target: Login
    announce: Callable[[str], object]
    open_browser: Callable[[str], object]

    def with_device_code(self) -> Mapping[str, Any]:
        """The device code flow (RFC 8628). Raises CommandFailed."""
        with self._client() as client:
            flow = client.initiate_device_flow(scopes=list(self.target.scopes))
            if "user_code" not in flow:
                return accepted(flow)
            self.announce(flow["message"])
            return accepted(client.acquire_token_by_device_flow(flow))

    def with_browser(self) -> Mapping[str, Any]:
        """The authorization code flow with PKCE, back to this machine (RFC 8252).

        Raises CommandFailed.
        """
        with self._client() as client, AuthCodeReceiver(port=0) as receiver:
            try:
                result = client.acquire_token_interactive(
                    scopes=list(self.target.scopes),
                    timeout=_PATIENCE_SECONDS,
                    port=receiver.get_port(),
                    auth_code_receiver=_Receiver(receiver, self.open_browser),
                )
            except RuntimeError:  # what MSAL raises when nobody comes back from the browser
                words = "Nobody came back from the browser in time."
                raise CommandFailed(ExitCode.NOT_SIGNED_IN, words) from None
        return accepted(result)

    def _client(self) -> Any:
        target = self.target
        ca_bundle = Path(target.ca_bundle) if target.ca_bundle else None
        return public_client(target.authority, target.client_id, self.store, ca_bundle)


_TARGET = ("tenant", "client_id", "scope", "authority_host", "ca_bundle")


def login(
    context: typer.Context,
    *,
    tenant: Tenant = "",
    client_id: ClientId = "",
    scope: Scopes = None,
    authority_host: AuthorityHost = "",
    ca_bundle: CaBundle = None,
    device_code: DeviceCode = False,
    store: Store = None,
    as_json: AsJson = False,
    logout: LogOut = False,
) -> None:
    """Sign in, so that `obo-mcp call` can act as you. What is not given: as last time."""
    logging.getLogger("msal").addHandler(logging.NullHandler())
    with exit_on_failure():
        credentials = CredentialStore(store)
        if logout:
            _log_out(credentials)
            return
        wish = Wish(
            tenant=tenant,
            client_id=client_id,
            scopes=scope or [],
            authority_host=authority_host,
            ca_bundle=ca_bundle,
            typed=typed_any(context, _TARGET),
        )
        target = wish.login(credentials)
        sign_in = SignIn(
            store=credentials, target=target, announce=_announce, open_browser=_open_browser
        )
        result = sign_in.with_device_code() if device_code else sign_in.with_browser()
        _report(credentials, finish(credentials, target, result), result, as_json=as_json)


def finish(store: CredentialStore, target: Login, result: Mapping[str, Any]) -> Login:
    """Remember the sign-in that `result` completes, as the default for `call`."""
    claims = result.get("id_token_claims") or {}
    done = replace(target, account=str(claims.get("oid", "")))
    store.remember(done)
    return done


def _report(
    store: CredentialStore, login: Login, result: Mapping[str, Any], *, as_json: bool
) -> None:
    claims = result.get("id_token_claims") or {}
    tenant_id, name = claims.get("tid", ""), claims.get("name") or "somebody"
    _announce(f"Signed in as {said_by_entra(str(name))}, tenant {tenant_id}.")
    if as_json:
        report = {
            "tenant_id": tenant_id,
            "oid": claims.get("oid", ""),
            "scopes": str(result.get("scope", "")).split(),
            "expires_in_seconds": result.get("expires_in"),
            "stored_in": store.kept_in(login.authority, login.client_id),
        }
        typer.echo(json.dumps(report))


def _log_out(store: CredentialStore) -> None:
    try:
        login = store.last()
    except CommandFailed:  # nobody can tell any more which tokens were the last: all of them go
        store.forget_all()
    else:
        if login is None:
            _announce("Nobody was signed in.")
            return
        store.forget(login)
    _announce("Signed out: the tokens kept here are gone.")


def _announce(words: str) -> None:
    typer.echo(words, err=True)


def _open_browser(address: str) -> None:
    if not webbrowser.open(address):
        _announce(f"Open this address in a browser on this machine:\n{address}")
