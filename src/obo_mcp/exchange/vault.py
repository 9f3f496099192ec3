"""One Azure Key Vault, through Azure's own client. Needs the extra `azure`.

Tokens for the vault come through MSAL, with our own HTTP and its bounded waits, and go to a vault
of Azure's or to this machine only.
"""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient

from obo_mcp.clock import Clock
from obo_mcp.environment import LOOPBACK
from obo_mcp.errors import ConfigurationError, OboError, TokenEndpointUnavailable
from obo_mcp.exchange.cause import TransportFailure
from obo_mcp.exchange.credential_fault import misconfigured, named, unavailable
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.key_vault import SETTING, Item
from obo_mcp.exchange.transport import (
    CONNECT_TIMEOUT_SECONDS,
    DEFAULT_RETRY_AFTER_SECONDS,
    asked_seconds,
)
from obo_mcp.network import trusted_roots
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

VAULTS = (".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn")
"""Where vaults live (Key Vault, "Vault name and object name": one domain per cloud)."""
_SILENT = logging.getLogger("obo_mcp.silent")  # Azure's client would log the vault's address
_SILENT.disabled = True

Granted = Callable[[str], Mapping[str, Any]]
"""An access token for a resource, as MSAL answers: `access_token`, `expires_in`."""


class Vault:
    """One vault, read with Azure's own client; each call is one try within bounded time.

    Raises:
        ConfigurationError: the address is no vault's.
    """

    def __init__(self, settings: Settings, granted: Granted, clock: Clock) -> None:
        parts = urlsplit(settings.key_vault_item)
        host = parts.hostname or ""
        local = host in LOOPBACK
        if parts.scheme != "https" or not (local or host.endswith(VAULTS)):
            raise ConfigurationError(
                f"{named(SETTING)}: must begin with https:// and be at a vault of Azure's, such "
                f"as <name>{VAULTS[0]}: our token for the vault goes nowhere else"
            )
        self._url = f"https://{parts.netloc}"
        self._name = parts.path.strip("/").split("/")[1]
        self._granted = granted
        self._clock = clock
        timeout = settings.token_endpoint_timeout_seconds
        self._options: dict[str, Any] = {
            "verify_challenge_resource": not local,
            "retry_total": 0,
            "permit_redirects": False,
            "logger": _SILENT,
            "connection_verify": trusted_roots(settings.ca_bundle),
            "connection_timeout": min(CONNECT_TIMEOUT_SECONDS, timeout),
            "read_timeout": timeout,
        }

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> AccessToken:
        """What azure-core asks a credential for. Whatever the vault asks, its tenant is ours.

        Raises:
            ClientMisconfigured: there is no token for the vault.
            Unavailable: whoever gives it does not answer.
        """
        del claims, tenant_id, enable_cae
        answer = self._granted(scopes[0].removesuffix("/.default"))
        return AccessToken(answer["access_token"], int(self._clock.now()) + answer["expires_in"])

    def read(self) -> Item:
        """The newest version of the item.

        Raises:
            ClientMisconfigured: the vault refuses, or has no such item.
            Unavailable: it does not answer.
        """
        status, pause = 0, None
        with Foreign() as azure:
            try:
                return self._item()
            except HttpResponseError as error:
                status, pause = error.status_code or 0, _pause(error)
        if azure.raised:
            raise _no_answer(azure.raised)
        if status in _CURES:
            raise misconfigured(SETTING, f"the vault answered {status}", _CURES[status])
        raise _no_answer(f"the vault answered {status}", pause)

    def _item(self) -> Item:
        # Once an hour: no connection is worth keeping, and none has to be closed.
        with SecretClient(self._url, self, **self._options) as client:
            secret = client.get_secret(self._name)
        return Item(Secret(secret.value or ""), secret.properties.content_type or "")


_CURES = MappingProxyType(
    {
        400: "Check the name of the item.",
        401: "The vault must belong to our tenant, in the cloud of OBO_MCP_AUTHORITY_HOST.",
        403: (
            "Give the identity the role 'Key Vault Secrets User' on the vault, and let the vault's "
            "firewall admit this server; check that the item is enabled."
        ),
        404: "There is no such secret or certificate in this vault: check the address.",
    }
)


def _pause(error: HttpResponseError) -> int | None:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    return asked_seconds(headers.get("Retry-After"))


def _no_answer(why: str, pause: int | None = None) -> OboError:
    failure = TokenEndpointUnavailable(retry_after_seconds=pause or DEFAULT_RETRY_AFTER_SECONDS)
    failure.__cause__ = TransportFailure(why, asked_seconds=pause)
    return unavailable(SETTING, failure, "Check that this server reaches the vault, and wait.")
