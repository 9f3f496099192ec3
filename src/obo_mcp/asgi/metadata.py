"""What this protected resource says about itself (RFC 9728)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WELL_KNOWN = "/.well-known/oauth-protected-resource"
CONSENT_PAGE = "/.well-known/obo-mcp/consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedResource:
    """The MCP endpoint as clients know it, and where to get a token for it.

    `authorization_servers` are the issuers of the tenants whose people may call, ours first.
    `scope` is fully qualified: Entra takes an unqualified one for a scope of Graph.
    """

    url: str
    authorization_servers: tuple[str, ...]
    scope: str

    @property
    def path(self) -> str:
        """The path of the MCP endpoint, `/` if it has none."""
        return urlsplit(self.url).path or "/"

    @property
    def metadata_paths(self) -> frozenset[str]:
        """Both places where clients look: with the endpoint's path behind it, and the root."""
        return frozenset({WELL_KNOWN, WELL_KNOWN + self.path.rstrip("/")})

    @property
    def metadata_url(self) -> str:
        """Where the challenge points to (RFC 9728 section 3.1)."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"

    @property
    def consent_page_url(self) -> str:
        """Where the authority may send a person after they were asked to agree."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{CONSENT_PAGE}"

    def document(self) -> dict[str, Any]:
        """The metadata itself (RFC 9728 section 2)."""
        return {
            "resource": self.url,
            "authorization_servers": list(self.authorization_servers),
            "scopes_supported": [self.scope],
            "bearer_methods_supported": ["header"],
        }
