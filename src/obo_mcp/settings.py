"""One frozen value with everything an operator decides, read once and checked before use.

Environment variables carry the prefix `OBO_MCP_`; the names that Azure's own tools use are read
where ours is absent. docs/reference/settings.md explains each one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from obo_mcp import values
from obo_mcp.environment import LISTED, LOOPBACK, PREFIX, EnvironmentSettings, web_origin
from obo_mcp.secret import Secret

_Hidden = Annotated[Secret, BeforeValidator(values.secret)]


class Settings(EnvironmentSettings):
    """Everything the library needs to know; a wrong value raises ConfigurationError.

    Construct it by keyword, or with `Settings.from_env()`. The source of each rule is the page
    of the same setting in docs/reference/settings.md.
    """

    FALLBACKS: ClassVar[Mapping[str, str]] = {
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "authority_host": "AZURE_AUTHORITY_HOST",
        "client_secret": "AZURE_CLIENT_SECRET",
        "client_certificate_path": "AZURE_CLIENT_CERTIFICATE_PATH",
        "client_certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "client_certificate_send_chain": "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        "federated_token_file": "AZURE_FEDERATED_TOKEN_FILE",
    }
    CREDENTIALS: ClassVar[tuple[str, ...]] = (
        "client_secret",
        "client_certificate_path",
        "key_vault_item",
        "managed_identity_client_id",
        "federated_token_file",
    )
    BESIDE: ClassVar[Mapping[str, str]] = {"federated_token_file": "key_vault_item"}
    PARTS: ClassVar[Mapping[str, str]] = {"client_certificate_password": "client_certificate_path"}

    tenant_id: Annotated[str, AfterValidator(values.guid)]
    client_id: Annotated[str, AfterValidator(values.guid)]
    resource_url: Annotated[str, AfterValidator(values.resource_url)]
    required_scope: Annotated[str, AfterValidator(values.scope)]
    authority_host: Annotated[str, AfterValidator(values.authority_host)] = (
        "https://login.microsoftonline.com"
    )
    identifier_uri: Annotated[str, AfterValidator(values.identifier_uri)] = ""
    ca_bundle: Annotated[Path | None, AfterValidator(values.ca_bundle)] = None
    leeway_seconds: Annotated[int, Field(ge=0, le=60)] = 60
    token_endpoint_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    exchange_threads: Annotated[int, Field(ge=1, le=256)] = 16
    cache_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    allowed_tenants: Annotated[
        tuple[Annotated[str, AfterValidator(values.guid)], ...],
        LISTED,
        AfterValidator(values.tenants),
    ] = ()
    allowed_clients: Annotated[tuple[Annotated[str, AfterValidator(values.guid)], ...], LISTED] = ()
    agent_callers: Literal["log", "allow", "deny"] = "log"
    required_app_role: Annotated[str, AfterValidator(values.role)] = ""
    token_versions: Annotated[tuple[Literal["1.0", "2.0"], ...], LISTED, Field(min_length=1)] = (
        "1.0",
        "2.0",
    )
    allowed_hosts: Annotated[tuple[Annotated[str, AfterValidator(values.host)], ...], LISTED] = ()
    allowed_origins: Annotated[tuple[Annotated[str, AfterValidator(web_origin)], ...], LISTED] = ()
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 4 << 20

    client_secret: Annotated[_Hidden, AfterValidator(values.client_secret)] | None = None
    client_certificate_path: Annotated[Path | None, AfterValidator(values.readable_file)] = None
    client_certificate_password: _Hidden | None = None
    client_certificate_send_chain: bool = False
    key_vault_item: Annotated[str, AfterValidator(values.vault_item)] = ""
    managed_identity_client_id: Annotated[str, AfterValidator(values.guid)] | None = None
    federated_token_file: Annotated[Path | None, AfterValidator(values.readable_file)] = None
    agent_identity_id: Annotated[str, AfterValidator(values.guid)] | None = None
    redis_url: Annotated[_Hidden, AfterValidator(values.redis_addresses)] | None = None
    redis_sentinel_service: str = ""
    redis_cluster: bool = False
    redis_timeout_seconds: Annotated[float, Field(gt=0, le=1)] = 0.04
    cache_keys: Annotated[
        tuple[Annotated[_Hidden, AfterValidator(values.ring_key)], ...], LISTED
    ] = ()
    step_up: Literal["challenge", "tool-error"] = "challenge"
    consent_redirect_url: Annotated[str, AfterValidator(values.page_address)] = ""
    url_elicitation_error: bool = False

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Which settings need or exclude one another."""
        given = [name for name in self.CREDENTIALS if getattr(self, name)]
        ours = {"client_secret", "client_certificate_path", "key_vault_item"} & set(given)
        platform = {"managed_identity_client_id", "federated_token_file"} & set(given)
        both = ours and platform and "key_vault_item" not in ours
        if len(ours) > 1 or len(platform) > 1 or both:
            names = " and ".join(f"{PREFIX}{name.upper()}" for name in given)
            raise ValueError(f"{names} are set: choose one credential")
        for part, whole in self.PARTS.items():
            if getattr(self, part) and not getattr(self, whole):
                raise ValueError(
                    f"{PREFIX}{part.upper()} is set without {PREFIX}{whole.upper()}, which it opens"
                )
        return self

    @model_validator(mode="after")
    def _shared_cache(self) -> Self:
        """What Redis needs, and what is nothing without it."""
        if self.redis_url and not self.cache_keys:
            raise ValueError(
                f"{PREFIX}REDIS_URL is set without {PREFIX}CACHE_KEYS: tokens leave this process "
                "only sealed"
            )
        if self.redis_cluster and self.redis_sentinel_service:
            raise ValueError(
                f"{PREFIX}REDIS_CLUSTER and {PREFIX}REDIS_SENTINEL_SERVICE are set: choose one"
            )
        for name in ("redis_cluster", "redis_sentinel_service"):
            if getattr(self, name) and not self.redis_url:
                raise ValueError(f"{PREFIX}{name.upper()} is set without {PREFIX}REDIS_URL")
        return self

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
