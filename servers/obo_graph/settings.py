"""What an operator decides about the Graph server, beside what the library asks."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from obo_graph.catalogue import select
from obo_mcp.environment import LISTED, EnvironmentSettings, web_origin

_MIN_LABELS = 2


def _suffixes(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    for suffix in suffixes:
        if not suffix.startswith(".") or len(suffix.strip(".").split(".")) < _MIN_LABELS:
            raise ValueError("must be domain endings that begin with a dot, like .sharepoint.com")
    return tuple(suffix.lower() for suffix in suffixes)


class GraphSettings(EnvironmentSettings):
    """Everything the Graph server itself needs to know. Frozen.

    `graph_url` is where requests go; `graph_resource` is whose `/.default` scope is asked of the
    authority, and follows `graph_url` unless set. `tools` are names of tools or groups; empty
    means all. Files are fetched from Graph's own host and from hosts that end in one of
    `download_hosts`, from no other. Wrong values raise `obo_mcp.ConfigurationError`.
    """

    graph_url: Annotated[str, AfterValidator(web_origin)] = "https://graph.microsoft.com"
    graph_resource: str = ""
    tools: Annotated[tuple[str, ...], LISTED, AfterValidator(select)] = Field(
        default=(), validate_default=True
    )
    read_only: bool = True
    result_budget_bytes: Annotated[int, Field(ge=4096, le=262_144)] = 16_384
    download_hosts: Annotated[tuple[str, ...], LISTED, AfterValidator(_suffixes)] = (
        ".sharepoint.com",
        ".1drv.com",
    )
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"

    @property
    def scope(self) -> str:
        """What to ask of the authority: everything consented to on the Graph resource."""
        return f"{(self.graph_resource or self.graph_url).rstrip('/')}/.default"
