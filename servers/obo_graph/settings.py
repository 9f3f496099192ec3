"""What an operator decides about the Graph server, beside what the library asks."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from obo_graph.catalogue import BY_NAME, named_writers, select
from obo_mcp.environment import LISTED, EnvironmentSettings, web_origin

_MIN_LABELS = 2


def _suffixes(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    for suffix in suffixes:
        if not suffix.startswith(".") or len(suffix.strip(".").split(".")) < _MIN_LABELS:
            raise ValueError("must be domain endings that begin with a dot, like .sharepoint.com")
    return tuple(suffix.lower() for suffix in suffixes)


_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def _known_tools(names: tuple[str, ...]) -> tuple[str, ...]:
    select(names)
    return names


def _domains(names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_DOMAIN.fullmatch(name.lower()) for name in names):
        raise ValueError("must be mail domains such as contoso.com")
    return tuple(name.lower() for name in names)


class GraphSettings(EnvironmentSettings):
    """Everything the Graph server itself needs to know. Frozen.

    `graph_url` is where requests go; `graph_resource` is whose scopes are asked of the
    authority, and follows `graph_url` unless set. `graph_scopes` says which: `default`, all that
    was consented to in one token, or `tool`, for each tool a token of its own with no more than
    it needs. `tools` are names of tools, groups or tiers, `-name` takes one away; `read_only`
    leaves out every tool that changes something. Files are fetched from Graph's own host and from
    hosts that end in one of `download_hosts`, and sent to those that end in one of
    `upload_hosts`, to no other. `max_recipients` bounds one mail, invitation or share, and people
    outside `recipient_domains` get none, if any are given. `anonymous_links` allows links that
    open for everybody. `link_seconds` is how long a link for moving a file lives; 0: there are
    none. Wrong values raise `obo_mcp.ConfigurationError`.
    """

    graph_url: Annotated[str, AfterValidator(web_origin)] = "https://graph.microsoft.com"
    graph_resource: str = ""
    graph_scopes: Literal["default", "tool"] = "default"
    tools: Annotated[tuple[str, ...], LISTED, AfterValidator(_known_tools)] = ()
    read_only: bool = True
    result_budget_bytes: Annotated[int, Field(ge=4096, le=262_144)] = 16_384
    download_hosts: Annotated[tuple[str, ...], LISTED, AfterValidator(_suffixes)] = (
        ".sharepoint.com",
        ".1drv.com",
    )
    upload_hosts: Annotated[tuple[str, ...], LISTED, AfterValidator(_suffixes)] = (
        ".sharepoint.com",
        ".1drv.com",
        ".office.com",
        ".office365.com",
    )
    max_recipients: Annotated[int, Field(ge=1, le=500)] = 20
    recipient_domains: Annotated[tuple[str, ...], LISTED, AfterValidator(_domains)] = ()
    anonymous_links: bool = False
    link_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"

    @model_validator(mode="after")
    def _writers_need_leave(self) -> Self:
        writers = named_writers(self.tools) if self.read_only else []
        if writers:
            raise ValueError(
                f"OBO_MCP_TOOLS names {writers[0]}, which changes something: "
                "set OBO_MCP_READ_ONLY=false as well, or leave it out"
            )
        return self

    @property
    def offered(self) -> tuple[str, ...]:
        """The tools that are offered, in the order of the catalogue."""
        chosen = select(self.tools)
        return tuple(name for name in chosen if not (self.read_only and BY_NAME[name].writes))

    def scope_for(self, tool: str) -> str:
        """What to ask of the authority for `tool`; everything consented to, unless told less."""
        resource = (self.graph_resource or self.graph_url).rstrip("/")
        entry = BY_NAME[tool]
        names = (*entry.scopes, *entry.optional) if self.graph_scopes == "tool" else ()
        return " ".join(f"{resource}/{name}" for name in names or (".default",))
