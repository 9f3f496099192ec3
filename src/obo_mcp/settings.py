"""One frozen value with everything an operator decides, read once and checked before use.

Environment variables carry the prefix `OBO_MCP_`; the names that Azure's own tools use are read
where ours is absent. docs/reference/settings.md explains each one.
"""

import ssl
import uuid
from pathlib import Path
from typing import Annotated, Any, Self, cast
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from obo_mcp.errors import ConfigurationError
from obo_mcp.network import tls_context
from obo_mcp.secret import Secret

PREFIX = "OBO_MCP_"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("must be a GUID, as the Entra portal shows it") from None


def _secret(value: object) -> Secret:
    secret = value if isinstance(value, Secret) else Secret(str(value))
    if not secret:
        raise ValueError("must not be empty")
    return secret


def _client_secret(secret: Secret) -> Secret:
    if len(secret) == len(str(uuid.UUID(int=0))) and secret.reveal().count("-") == 4:  # noqa: PLR2004 - the dashes of a GUID
        raise ValueError("looks like the secret's id; paste the secret's value instead")
    return secret


def _web_address(text: str) -> SplitResult:
    parts = urlsplit(text)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https:// (http:// only on this machine)")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must not contain a user name, a query or a fragment")
    return parts


def _resource_url(text: str) -> str:
    parts = _web_address(text)
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def _authority_host(text: str) -> str:
    parts = _web_address(text if "://" in text else f"https://{text}")
    if parts.scheme != "https" or parts.path.strip("/"):
        raise ValueError("must be an https:// address without a path; the tenant has its own")
    return f"https://{parts.netloc.lower()}"


def _scope(text: str) -> str:
    if not text.strip() or any(c.isspace() or c in '"\\' for c in text) or text.endswith("/"):
        raise ValueError("must be one scope, such as mcp.access or api://<client id>/mcp.access")
    return text


def _ca_bundle(path: Path | None) -> Path | None:
    if path is not None:
        try:
            tls_context(path)
        except (OSError, ssl.SSLError):
            raise ValueError("must be a readable file of PEM certificates") from None
    return path


def _read_as(name: str) -> AliasChoices:
    return AliasChoices(f"{PREFIX}{name}", f"AZURE_{name}")


class Settings(BaseSettings):
    """Everything the library needs to know. Frozen; a wrong value raises ConfigurationError.

    Construct it by keyword, or with `Settings.from_env()`. The source of each rule is the page
    of the same setting in docs/reference/settings.md.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    tenant_id: Annotated[str, AfterValidator(_guid)] = Field(validation_alias=_read_as("TENANT_ID"))
    client_id: Annotated[str, AfterValidator(_guid)] = Field(validation_alias=_read_as("CLIENT_ID"))
    client_secret: Annotated[Secret, BeforeValidator(_secret), AfterValidator(_client_secret)] = (
        Field(validation_alias=_read_as("CLIENT_SECRET"))
    )
    resource_url: Annotated[str, AfterValidator(_resource_url)]
    required_scope: Annotated[str, AfterValidator(_scope)]
    authority_host: Annotated[str, AfterValidator(_authority_host)] = Field(
        default="https://login.microsoftonline.com", validation_alias=_read_as("AUTHORITY_HOST")
    )
    identifier_uri: str = ""
    ca_bundle: Annotated[Path | None, AfterValidator(_ca_bundle)] = None
    leeway_seconds: Annotated[int, Field(ge=0, le=60)] = 60
    token_endpoint_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    exchange_threads: Annotated[int, Field(ge=1, le=256)] = 16
    cache_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_one_line(error)) from None

    @classmethod
    def from_env(cls, env_file: Path | None = Path(".env")) -> Self:
        """Read the environment, and `env_file` where a variable is absent.

        Raises:
            ConfigurationError: one line that names every setting at fault, and no value.
        """
        read: Any = _FromEnvironment
        return cast("Self", read(_env_file=env_file))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings calls by keyword
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - read by from_env only
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - read by from_env only
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not used
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A Settings made by keyword reads nothing else, whatever the environment holds."""
        return (init_settings,)

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


class _FromEnvironment(Settings):
    model_config = SettingsConfigDict(extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings calls by keyword
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not used
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, dotenv_settings)


def _one_line(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        name = name if name.startswith(PREFIX) else f"{PREFIX}{name.upper()}"
        words = "is not set" if fault["type"] == "missing" else fault["msg"]
        faults.append(f"{name}: {words.removeprefix('Value error, ')}")
    return "; ".join(faults)
