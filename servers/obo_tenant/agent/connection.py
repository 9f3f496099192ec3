"""The OAuth client of the agent's MCP connection: authorization code with PKCE, and refresh."""

import base64
import hashlib
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2

from obo_tenant.agent.grant import Grant, grant_from

TIMEOUT_SECONDS = 30.0


class TokenRefused(Exception):
    """The token endpoint said no. `error` is its code, the text its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class TokenEndpointDown(Exception):
    """The token endpoint could not be reached, or answered with a server error or nonsense."""


def new_verifier() -> str:
    """A PKCE code verifier of 43 characters (RFC 7636 section 4.1)."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A custom app's OAuth2 connection as Foundry keeps it: addresses, client, scopes."""

    base_url: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    server_scope: str
    trust: Callable[[], ssl.SSLContext] = field(repr=False)
    clock: Callable[[], float] = field(repr=False)

    @property
    def redirect_uri(self) -> str:
        """Where the browser comes back to."""
        return f"{self.base_url}/agent/redirect"

    @property
    def _scopes(self) -> str:
        return f"{self.server_scope} offline_access"

    def consent_link(self, state: str, verifier: str) -> str:
        """The authorization URL that the person opens (ED:v2-oauth2-auth-code-flow)."""
        query = urlencode(
            {
                "client_id": self.client_id,
                "response_type": "code",
                "redirect_uri": self.redirect_uri,
                "response_mode": "query",
                "scope": self._scopes,
                "state": state,
                "code_challenge": challenge_of(verifier),
                "code_challenge_method": "S256",
            }
        )
        return f"{self.base_url}/{self.tenant_id}/oauth2/v2.0/authorize?{query}"

    async def redeem(self, code: str, verifier: str) -> Grant:
        """Trade an authorization code for a grant.

        Raises:
            TokenRefused: the endpoint refused the code.
            TokenEndpointDown: no usable answer.
        """
        return await self._ask(
            None,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self.redirect_uri,
        )

    async def refresh(self, grant: Grant) -> Grant:
        """Trade the grant's refresh token for a new grant. Raises as `redeem` does."""
        if grant.refresh_token is None:
            raise TokenRefused("invalid_grant", "There is no refresh token to renew with.")
        return await self._ask(grant, grant_type="refresh_token", refresh_token=grant.refresh_token)

    async def _ask(self, previous: Grant | None, **form: str) -> Grant:
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        url = f"{self.base_url}/{self.tenant_id}/oauth2/v2.0/token"
        try:
            async with httpx2.AsyncClient(
                verify=self.trust(), timeout=TIMEOUT_SECONDS, trust_env=False
            ) as http:
                response = await http.post(url, data={**client, "scope": self._scopes, **form})
        except httpx2.HTTPError as failure:
            raise TokenEndpointDown(f"No answer: {type(failure).__name__}.") from failure
        answer = _members(response)
        try:
            return grant_from(answer, self.clock(), previous)
        except ValueError as failure:
            raise TokenEndpointDown(str(failure)) from failure


def _members(response: httpx2.Response) -> dict[str, Any]:
    """The JSON members of a success; raises what the status and body of anything else mean."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code >= 500 or not isinstance(answer, dict):
        raise TokenEndpointDown(f"The token endpoint answered {response.status_code}.")
    if response.status_code != 200:
        error = str(answer.get("error", "invalid_request"))
        raise TokenRefused(error, str(answer.get("error_description", error)))
    return answer
