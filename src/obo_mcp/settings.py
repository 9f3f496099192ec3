"""One frozen value with everything an operator decides, read once and checked before use.

Environment variables carry the prefix `OBO_MCP_`; the names that Azure's own tools use are read
where ours is absent. docs/reference/settings.md explains each one.
"""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field

from obo_mcp.environment import (
    LISTED,
    LOOPBACK,
    UNQUOTABLE,
    EnvironmentSettings,
    host_and_port,
    web_address,
    web_origin,
)
from obo_mcp.network import tls_context
from obo_mcp.secret import Secret

RESERVED_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant that Microsoft accounts of private people live in (Entra, "ID token claims")."""
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("must be a GUID, as the Entra portal shows it") from None


def _tenants(ids: tuple[str, ...]) -> tuple[str, ...]:
    if PERSONAL_ACCOUNTS in ids:
        raise ValueError("must not hold the tenant of personal accounts: theirs are not exchanged")
    return ids


def _role(text: str) -> str:
    if UNQUOTABLE.search(text):
        raise ValueError("must be the value of one app role, such as mcp.read")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text.lower()):
        raise ValueError("must be a host as it stands in the Host header: name, or name:port")
    return text.lower()


def _secret(value: object) -> Secret:
    secret = Secret(value) if isinstance(value, str) else value
    if not isinstance(secret, Secret) or not secret.stripped():
        raise ValueError("must be text, and not empty")
    return secret.stripped()


def _client_secret(secret: Secret) -> Secret:
    if _GUID.fullmatch(secret.reveal()):
        raise ValueError("looks like the secret's id; paste the secret's value instead")
    return secret


def _resource_url(text: str) -> str:
    parts = web_address(text)
    return urlunsplit((parts.scheme, host_and_port(parts), parts.path.rstrip("/"), "", ""))


def _authority_host(text: str) -> str:
    parts = web_address(text if "://" in text else f"https://{text}")
    if parts.scheme != "https" or parts.path.strip("/"):
        raise ValueError("must be an https:// address without a path; the tenant has its own")
    if (parts.hostname or "").endswith(".b2clogin.com"):
        raise ValueError("must not be Azure AD B2C's: it has no on-behalf-of")
    return f"https://{host_and_port(parts)}"


def _identifier_uri(text: str) -> str:
    if text and ("://" not in text or text.endswith("/") or UNQUOTABLE.search(text)):
        raise ValueError("must be the Application ID URI, such as api://<client id>, without a /")
    return text


def _scope(text: str) -> str:
    resource, _, name = text.rpartition("/")
    plain = name and not UNQUOTABLE.search(text) and (not resource or "://" in resource)
    if not plain or name == ".default" or name in RESERVED_SCOPES:
        raise ValueError("must be one scope, such as mcp.access or api://<client id>/mcp.access")
    return text


def _ca_bundle(path: Path | None) -> Path | None:
    if path is not None:
        try:
            tls_context(path)
        except OSError:
            raise ValueError("must be a readable file of PEM certificates") from None
        if not path.is_file():
            raise ValueError("must be a readable file of PEM certificates")
    return path


class Settings(EnvironmentSettings):
    """Everything the library needs to know; a wrong value raises ConfigurationError.

    Construct it by keyword, or with `Settings.from_env()`. The source of each rule is the page
    of the same setting in docs/reference/settings.md.
    """

    FALLBACKS: ClassVar[Mapping[str, str]] = {
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "client_secret": "AZURE_CLIENT_SECRET",
        "authority_host": "AZURE_AUTHORITY_HOST",
    }

    tenant_id: Annotated[str, AfterValidator(_guid)]
    client_id: Annotated[str, AfterValidator(_guid)]
    client_secret: Annotated[Secret, BeforeValidator(_secret), AfterValidator(_client_secret)]
    resource_url: Annotated[str, AfterValidator(_resource_url)]
    required_scope: Annotated[str, AfterValidator(_scope)]
    authority_host: Annotated[str, AfterValidator(_authority_host)] = (
        "https://login.microsoftonline.com"
    )
    identifier_uri: Annotated[str, AfterValidator(_identifier_uri)] = ""
    ca_bundle: Annotated[Path | None, AfterValidator(_ca_bundle)] = None
    leeway_seconds: Annotated[int, Field(ge=0, le=60)] = 60
    token_endpoint_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    exchange_threads: Annotated[int, Field(ge=1, le=256)] = 16
    cache_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    allowed_tenants: Annotated[
        tuple[Annotated[str, AfterValidator(_guid)], ...], LISTED, AfterValidator(_tenants)
    ] = ()
    allowed_clients: Annotated[tuple[Annotated[str, AfterValidator(_guid)], ...], LISTED] = ()
    agent_callers: Literal["log", "allow", "deny"] = "log"
    required_app_role: Annotated[str, AfterValidator(_role)] = ""
    token_versions: Annotated[tuple[Literal["1.0", "2.0"], ...], LISTED, Field(min_length=1)] = (
        "1.0",
        "2.0",
    )
    allowed_hosts: Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], LISTED] = ()
    allowed_origins: Annotated[tuple[Annotated[str, AfterValidator(web_origin)], ...], LISTED] = ()
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 4 << 20

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants whose people may call, our own first: `allowed_tenants`, else it alone."""
        ours_first = sorted(dict.fromkeys(self.allowed_tenants), key=self.tenant_id.__ne__)
        return tuple(ours_first) or (self.tenant_id,)

    @property
    def audience_uris(self) -> frozenset[str]:
        """What v1 tokens may carry as `aud`: every URI of ours, with and without a slash."""
        resource = self.qualified_scope.rpartition("/")[0]
        uris = {resource, self.audience_uri, f"api://{self.client_id}"}
        return frozenset(uris | {f"{uri}/" for uri in uris})

    @property
    def is_local(self) -> bool:
        """Whether clients reach this server on their own machine only."""
        return urlsplit(self.resource_url).hostname in LOOPBACK

    @property
    def audience_uri(self) -> str:
        """The Application ID URI: `identifier_uri`, else `api://<client id>`."""
        return self.identifier_uri or f"api://{self.client_id}"

    @property
    def scope_name(self) -> str:
        """The required scope as it stands in `scp`: without its resource."""
        return self.required_scope.rpartition("/")[2]

    @property
    def qualified_scope(self) -> str:
        """The required scope as clients must ask for it: an unqualified one would mean Graph's."""
        if "://" in self.required_scope:
            return self.required_scope
        return f"{self.audience_uri}/{self.required_scope}"
