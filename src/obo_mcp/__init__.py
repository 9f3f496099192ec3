"""On-behalf-of for MCP servers: validate the caller's Entra token, trade it, act as that person.

`OnBehalfOf` is the one object to know. `AccessTokenVerifier`, `TokenBroker` and the cache are
there for those who need less. Everything else may change between minor versions.

May import: its own rooms. Must never know: Graph, or any server built on it.
"""

from obo_mcp.asgi.middleware import OnBehalfOfMiddleware
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import (
    ConfigurationError,
    ConsentRequired,
    ExchangeRefused,
    InsufficientScope,
    InteractionRequired,
    OboError,
    TokenRejected,
    Unavailable,
)
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.source import TokenSource
from obo_mcp.inbound.principal import Principal
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.on_behalf_of import OnBehalfOf
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "AccessTokenVerifier",
    "ConfigurationError",
    "ConsentRequired",
    "ExchangeRefused",
    "InsufficientScope",
    "InteractionRequired",
    "MemoryTokenCache",
    "OboError",
    "OnBehalfOf",
    "OnBehalfOfMiddleware",
    "Principal",
    "Secret",
    "Settings",
    "TokenBroker",
    "TokenRejected",
    "TokenSource",
    "Unavailable",
]
