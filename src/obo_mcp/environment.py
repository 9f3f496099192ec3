"""How settings are read: once, by name, with every fault told in one line.

`EnvironmentSettings` is the base of the library's own settings and of any server's: environment
variables with the prefix `OBO_MCP_`, a `.env` file behind them, frozen after that.
"""

from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AliasChoices, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from obo_mcp.errors import ConfigurationError

PREFIX = "OBO_MCP_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def web_address(text: str) -> SplitResult:
    """An https:// URL, or http:// on this machine, taken apart.

    Raises:
        ValueError: it is not one, or carries a user name, a query or a fragment.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL that begins with https://") from None
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must begin with https:// (http:// only on this machine)")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must not contain a user name, a query or a fragment")
    return parts


class EnvironmentSettings(BaseSettings):
    """A frozen group of settings. Made by keyword it reads nothing else; `from_env()` reads.

    Either way a wrong or missing value raises ConfigurationError, in one line.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

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
        written = DotEnvSettingsSource(cls, env_file=env_file)()
        values = {**written, **EnvSettingsSource(cls)()}
        known = _names(cls)
        return cls(**{name: value for name, value in values.items() if name in known})

    @classmethod
    def settings_customise_sources(
        cls, *_: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keywords alone: what the environment holds comes in by `from_env` only."""
        return (sources["init_settings"],)


def _names(model: type[BaseSettings]) -> set[str]:
    """What a value of `model` may be called: field names, and the variables read in their stead.

    A `.env` file may hold the settings of other programs; those are passed over.
    """
    names = set(model.model_fields)
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names |= {str(choice) for choice in field.validation_alias.choices}
    return names


def _one_line(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        name = name if name.startswith(PREFIX) else f"{PREFIX}{name.upper()}"
        words = "is not set" if fault["type"] == "missing" else fault["msg"]
        faults.append(f"{name}: {words.removeprefix('Value error, ')}")
    return "; ".join(faults)
