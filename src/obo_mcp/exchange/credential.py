"""How our application proves to the authority who it is: the client credential.

The protocol, for whoever makes exchanges:

    application = Applications(exchanging_client(settings), credential.current, ...).of(tenant_id)

- `current(tenant_id)` gives the value for MSAL's `client_credential`. It blocks (a file, a vault),
  so it is called in a worker thread, before each exchange. The same object means that nothing
  changed; another one, that MSAL needs a new application. Only an agent identity looks at
  `tenant_id`: its assertion comes from the tenant in which it exchanges. It raises
  ClientMisconfigured or TokenEndpointUnavailable, with a cause that names the setting and the cure.
- What MSAL calls while it forms a request (a managed identity, T1 of an agent) raises the same,
  and MSAL lets it through.
- `refused()` is called after an exchange that ended as ClientMisconfigured: what is kept may be
  old. If `current()` then gives another object, one more try makes sense.
- `close()` when the server stops; a later `current()` starts anew.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msal

from obo_mcp.clock import Clock
from obo_mcp.errors import ConfigurationError
from obo_mcp.exchange.agent import AgentIdentity
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.certificate import CertificateFile
from obo_mcp.exchange.credential_fault import named
from obo_mcp.exchange.federated import Asserted, FederatedTokenFile, given, of_managed_identity
from obo_mcp.exchange.key_vault import SETTING as VAULT_SETTING
from obo_mcp.exchange.key_vault import KeyVaultItem
from obo_mcp.exchange.managed_identity import ManagedIdentity, PlatformTransport
from obo_mcp.exchange.own_token import own_token
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

if TYPE_CHECKING:
    from obo_mcp.exchange.vault import Granted


class ClientCredential(Protocol):
    """See the module's own words."""

    def current(self, tenant_id: str) -> object:
        """The value for MSAL's `client_credential`; the same object while nothing changed."""
        ...

    def refused(self) -> None:
        """The authority did not take it: look for a newer one."""
        ...

    def close(self) -> None:
        """Close connections; use after that opens them anew."""
        ...


class ClientSecret:
    """A client secret: it is what it is until the server starts again."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def current(self, _tenant_id: str) -> str:
        """The secret; MSAL takes it as text, and keeps it for as long as its application."""
        return self._secret.reveal()

    def refused(self) -> None:
        """There is no newer one."""

    def close(self) -> None:
        """Nothing is open."""


def exchanging_client(settings: Settings) -> str:
    """The client id that makes exchanges: the agent identity's, where there is one."""
    return settings.agent_identity_id or settings.client_id


def credential_of(
    settings: Settings,
    clock: Clock,
    transport: TokenEndpointTransport,
    function: Callable[..., str] | None = None,
) -> ClientCredential:
    """The credential that the settings name, or the developer's `function`.

    Files are read and checked here. Nothing is asked for over the network: what is wrong with an
    identity or a vault comes out with the first exchange.

    Raises:
        ConfigurationError: one line that names the setting at fault.
    """
    credential = _own(settings, clock, transport, function)
    agent = settings.agent_identity_id
    if agent is None:
        return credential
    if agent == settings.client_id:
        raise ConfigurationError(
            f"{named('agent_identity_id')}: is the same as {named('client_id')}, which is its "
            "blueprint's: an agent identity has an id of its own"
        )
    return AgentIdentity(
        agent,
        settings.client_id,
        credential,
        authority_host=settings.authority_host,
        transport=transport,
        clock=clock,
    )


def _own(
    settings: Settings,
    clock: Clock,
    transport: TokenEndpointTransport,
    function: Callable[..., str] | None,
) -> ClientCredential:
    """The credential of the application with our client id."""
    if function is not None:
        return _only(settings, given(function))
    if settings.client_secret is not None:
        return ClientSecret(settings.client_secret)
    if settings.client_certificate_path is not None:
        return CertificateFile(
            settings.client_certificate_path,
            settings.client_certificate_password,
            send_chain=settings.client_certificate_send_chain,
            clock=clock,
        )
    if settings.key_vault_item:
        return _in_vault(settings, clock, transport)
    if settings.managed_identity_client_id is not None:
        identity = _identity(settings, clock, "managed_identity_client_id")
        return of_managed_identity(identity, settings.authority_host)
    if settings.federated_token_file is not None:
        return Asserted(FederatedTokenFile(settings.federated_token_file, clock).assertion)
    first, *others = (named(name) for name in settings.CREDENTIALS)
    raise ConfigurationError(f"{first}: is not set, nor another credential: {', '.join(others)}")


def _only(settings: Settings, credential: Asserted) -> Asserted:
    if also := [named(name) for name in settings.CREDENTIALS if getattr(settings, name)]:
        raise ConfigurationError(f"credential= is given, and {also[0]} is set: choose one")
    return credential


def _identity(settings: Settings, clock: Clock, setting: str) -> ManagedIdentity:
    transport = PlatformTransport(
        ca_bundle=settings.ca_bundle, timeout_seconds=settings.token_endpoint_timeout_seconds
    )
    client_id = settings.managed_identity_client_id
    return ManagedIdentity(client_id, Patient(transport, clock), setting=setting)


def _in_vault(settings: Settings, clock: Clock, transport: TokenEndpointTransport) -> KeyVaultItem:
    granted, close = _way_in(settings, clock, transport)
    vault = _azure().Vault(settings, granted, clock)
    return KeyVaultItem(
        vault.read,
        is_certificate="/certificates/" in settings.key_vault_item,
        send_chain=settings.client_certificate_send_chain,
        clock=clock,
        close=close,
    )


def _azure() -> Any:
    """The module that needs the extra `azure`; without a vault nobody does."""
    try:
        return importlib.import_module("obo_mcp.exchange.vault")
    except ImportError:
        raise ConfigurationError(
            f"{named(VAULT_SETTING)}: needs Azure's client: pip install 'obo-mcp[azure]'"
        ) from None


def _way_in(
    settings: Settings, clock: Clock, transport: TokenEndpointTransport
) -> "tuple[Granted, Callable[[], None]]":
    """Who we are to the vault: the machine's identity, or the holder of the federated token."""
    if settings.federated_token_file is None:
        identity = _identity(settings, clock, VAULT_SETTING)
        return identity.token, identity.close
    return _federated_way(settings, settings.federated_token_file, clock, transport), _nothing


def _federated_way(
    settings: Settings, path: Path, clock: Clock, transport: TokenEndpointTransport
) -> "Granted":
    applications = Applications(
        settings.client_id,
        Asserted(FederatedTokenFile(path, clock).assertion).current,
        authority_host=settings.authority_host,
        transport=Patient(transport, clock),
        token_cache=msal.TokenCache,
    )

    def granted(resource: str) -> dict[str, Any]:
        return own_token(applications, settings.tenant_id, resource, setting=VAULT_SETTING)

    return granted


def _nothing() -> None:
    """Close nothing: the transport belongs to the exchanges."""
