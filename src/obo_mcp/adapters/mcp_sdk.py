"""The official MCP SDK (`mcp` 2.x): its access token context, its resolvers, its tool errors."""

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.authentication import AuthCredentials

from obo_mcp.errors import CredentialsMissing, OboError
from obo_mcp.inbound.principal import Caller, Principal

CALLER = "obo_mcp.caller"
"""Where the caller stands in the ASGI scope of the request."""

_NOT_SHOWN = "<hidden>"
_T = TypeVar("_T")
_KEPT_ALIVE = AcceptedElicitation[Any]
"""The SDK names this generic at each resolver's result, and pydantic remembers a generic's class
only while somebody holds it: without this the class would be built anew in every call (100 µs)."""


def sign_in(scope: MutableMapping[str, Any], caller: Caller) -> Callable[[], None]:
    """Show the caller to the SDK, to Starlette and to FastMCP until the answer is called.

    `get_access_token()`, `request.user` and the SDK's binding of sessions and request state to a
    principal work as if the SDK had checked the token itself. The token's text is not in there:
    it must not travel on (MCP, "Authorization": token passthrough).
    """
    user = AuthenticatedUser(_access_token(caller.principal))
    scope[CALLER] = caller
    scope["user"] = user
    scope["auth"] = AuthCredentials(user.scopes)
    return functools.partial(auth_context_var.reset, auth_context_var.set(user))


def resolver(give: Callable[[Caller], Awaitable[_T]]) -> Resolve:
    """A parameter that `give` fills from the caller; the model neither sees nor sets it.

    Whatever keeps it from being filled reaches the model as a tool error in plain words.
    """

    async def resolve(ctx: Context) -> _T:
        try:
            return await give(_caller(ctx))
        except OboError as error:
            raise tool_error(error) from error.__cause__

    return Resolve(resolve)


def transport_security() -> TransportSecuritySettings:
    """The SDK's guard against DNS rebinding, at rest: the door has checked Host and Origin.

    Left alone, the SDK admits loopback names only and answers 421 to a deployed server's own.
    """
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def tool_error(error: OboError) -> OboError:
    """`error` in a form that the SDK shows to the model: the same leaf, and a `ToolError` too.

    It stays what it was for `except` clauses. It is never an `MCPError`, so no protocol error
    (such as -32042, which the 2026-07-28 wire forbids) can come of it.
    """
    if isinstance(error, ToolError):
        return error
    shown: OboError = _shown(type(error))(  # type: ignore[arg-type]  # a class is hashable
        str(error), retry_after_seconds=error.retry_after_seconds, claims=error.claims
    )
    shown.__cause__ = error.__cause__
    return shown


@functools.cache
def _shown(leaf: type[OboError]) -> type[OboError]:
    return type(leaf.__name__, (leaf, ToolError), {"__doc__": leaf.__doc__})


def _caller(ctx: Context) -> Caller:
    request = ctx.request_context.request
    caller = request.scope.get(CALLER) if request is not None else None
    if not isinstance(caller, Caller):
        raise CredentialsMissing(
            "Nobody is signed in: this tool works only behind the obo-mcp middleware, over HTTP."
        )
    return caller


def _access_token(principal: Principal) -> AccessToken:
    return AccessToken(
        token=_NOT_SHOWN,
        client_id=principal.azp,
        scopes=sorted(principal.scopes),
        expires_at=principal.expires_at,
        subject=f"{principal.tid}.{principal.oid}",
        claims={"iss": principal.issuer, "tid": principal.tid, "oid": principal.oid},
    )
