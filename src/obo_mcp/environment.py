"""How settings are read: once, by name, with every fault told in one line.

`EnvironmentSettings` is the base of the library's own settings and of any server's: environment
variables with the prefix `OBO_MCP_`, a `.env` file behind them, frozen after that.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from obo_mcp.errors import ConfigurationError
from obo_mcp.secret import ClearMembers

PREFIX = "OBO_MCP_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
UNQUOTABLE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
"""What RFC 6749 section 3.3 keeps out of a scope, and with it out of our challenge."""


def _listed(value: object) -> object:
    if not isinstance(value, str):
        return value
    words = tuple(value.replace(",", " ").split())
    if value and not words:
        raise ValueError("must hold at least one word, or be empty altogether")
    return words


LISTED = BeforeValidator(_listed)
"""Reads a list that is written as one text: words between commas or blanks."""


def web_address(text: str) -> SplitResult:
    """An https:// URL, or http:// on this machine, taken apart.

    Raises:
        ValueError: it is not one, or carries a user name, a query, a fragment, blanks, quotes or
            characters that a URL must encode.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL that begins with https://") from None
    if UNQUOTABLE.search(text):
        raise ValueError("must be a URL in its encoded form: no blanks, quotes or umlauts")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must begin with https:// (http:// only on this machine)")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must not contain a user name, a query or a fragment")
    return parts


def web_origin(text: str) -> str:
    """Scheme, host and port of a web address that has nothing else, in lower case.

    Raises:
        ValueError: as `web_address`, or for a path.
    """
    parts = web_address(text)
    if parts.path.strip("/"):
        raise ValueError("must be scheme and host only, without a path")
    return f"{parts.scheme}://{host_and_port(parts)}"


def host_and_port(parts: SplitResult) -> str:
    """As clients write them in a Host header: in lower case, without the scheme's own port."""
    default = 443 if parts.scheme == "https" else 80
    return parts.netloc.lower().removesuffix(f":{default}").removesuffix(":")


class EnvironmentSettings(BaseModel):
    """A frozen group of settings. Made by keyword it reads nothing else; `from_env()` reads.

    Either way a wrong or missing value raises ConfigurationError, in one line. `FALLBACKS` names
    a variable that is read where our own is absent or empty, in the environment and the file;
    of those in `CREDENTIALS` one, if none is set under its own name: a cluster puts
    `AZURE_FEDERATED_TOKEN_FILE` into every pod, wanted or not. `BESIDE` names the one credential
    that another one works beside, and `PARTS` what is of use only with another setting.
    """

    FALLBACKS: ClassVar[Mapping[str, str]] = {}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ()
    BESIDE: ClassVar[Mapping[str, str]] = {}
    PARTS: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    def __init__(self, **values: Any) -> None:
        faults: str | None = None
        try:
            super().__init__(**values)
        except ValidationError as error:
            faults = _one_line(error)
        values.clear()  # a traceback may show them
        if faults is not None:
            raise ConfigurationError(faults)

    @classmethod
    def from_env(cls, env_file: Path = Path(".env")) -> Self:
        """Read the environment, and `env_file` where a variable is absent or empty.

        Raises:
            ConfigurationError: one line that names every setting at fault, and no value.
        """
        written = _dotenv(env_file)
        own = {name: f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        values = _present(own, written)
        borrowed = _present(cls.FALLBACKS, written)
        for name in cls._unwanted(borrowed, values):
            del borrowed[name]
        return cls(**borrowed | values)

    @classmethod
    def _unwanted(cls, borrowed: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
        """What somebody else's variables offer and our own settings have no use for."""
        chosen = {name for name in cls.CREDENTIALS if name in values}
        offered = [name for name in cls.CREDENTIALS if name in borrowed]
        taken = [name for name in offered if chosen == {cls.BESIDE.get(name)}]
        kept = {*values, *(taken if chosen else offered[:1])}
        parts = [part for part, whole in cls.PARTS.items() if whole not in kept]
        return [name for name in offered if name not in kept] + [p for p in parts if p in borrowed]


def _present(variables: Mapping[str, str], written: Mapping[str, str | None]) -> ClearMembers:
    """What the environment, or else the file, says for each setting; empty counts as absent."""
    found = ((name, os.environ.get(var) or written.get(var)) for name, var in variables.items())
    return ClearMembers((name, value) for name, value in found if value)


def _dotenv(env_file: Path) -> ClearMembers:
    with suppress(OSError, UnicodeDecodeError):
        return ClearMembers(dotenv_values(env_file, interpolate=False))
    raise ConfigurationError(f"{env_file}: cannot be read as UTF-8 text")


def _one_line(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        words = "is not set" if fault["type"] == "missing" else fault["msg"]
        named = f"{PREFIX}{str(fault['loc'][0]).upper()}: " if fault["loc"] else ""
        faults.append(named + words.removeprefix("Value error, "))
    return "; ".join(faults)
