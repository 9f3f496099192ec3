"""The official MCP SDK (`mcp` 2.x): its access token context, its resolvers, its tool errors."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.request_state import RequestStateSecurity
from mcp.server.transport_security import TransportSecuritySettings
from starlette.authentication import AuthCredentials

from obo_mcp.errors import ConsentRequired, CredentialsMissing, OboError
from obo_mcp.inbound.principal import Caller, Principal

CALLER = "obo_mcp.caller"
"""Where the caller stands in the ASGI scope of the request."""


class Told:
    """The refusals that the tool of a call was told, and the last one in a task of the tool's own.

    A task group hands on such a one in an exception group, which the SDK takes for a crash.
    """

    def __init__(self) -> None:
        self.refusals: list[OboError] = []
        self.in_a_task: OboError | None = None
        self._task = asyncio.current_task()

    def note(self, refusal: OboError) -> OboError:
        """Remember `refusal`, which is handed back; from any thread."""
        self.refusals.append(refusal)
        with suppress(RuntimeError):  # a thread without a loop: who waits for it gets it as it is
            if asyncio.current_task() is not self._task:
                self.in_a_task = refusal
        return refusal


TOLD: ContextVar[Told | None] = ContextVar("obo_mcp_told", default=None)
"""What the tool of this call was told; None where nobody asks."""

_REFUSE = "obo_mcp.refuse"
_SIGN_IN_AGAIN = 401
_NOT_SHOWN = "<hidden>"
_T = TypeVar("_T")
_KEPT_ALIVE = AcceptedElicitation[Any]
"""The SDK names this generic at each resolver's result, and pydantic remembers a generic's class
only while somebody holds it: without this the class would be built anew in every call (100 µs)."""


def sign_in(
    scope: MutableMapping[str, Any],
    caller: Caller,
    refuse: Callable[[OboError], bool] | None = None,
) -> Callable[[], None]:
    """Show the caller to the SDK, to Starlette and to FastMCP until the answer is called.

    `get_access_token()`, `request.user` and the SDK's binding of sessions and request state to a
    principal work as if the SDK had checked the token itself. The token's text is not in there:
    it must not travel on (MCP, "Authorization": token passthrough). `refuse` has a refusal
    answered over HTTP in place of the SDK's answer; without it, tools only ever fail in words.
    """
    user = AuthenticatedUser(_access_token(caller.principal))
    scope[CALLER] = caller
    if refuse is not None:
        scope[_REFUSE] = refuse
    scope["user"] = user
    scope["auth"] = AuthCredentials(user.scopes)
    return functools.partial(auth_context_var.reset, auth_context_var.set(user))


def resolver(give: Callable[[Caller], Awaitable[_T]]) -> Resolve:
    """A parameter that `give` fills from the caller; the model neither sees nor sets it.

    Whatever keeps it from being filled fails the whole call: the client is challenged where the
    person has to sign in again, else the model reads a tool error in plain words.
    """

    async def resolve(ctx: Context) -> _T:
        try:
            return await give(_caller(ctx))
        except OboError as error:
            shown = tool_error(error)
            challenged(ctx.request_context.request, shown)
            raise shown from error.__cause__

    return Resolve(resolve)


def transport_security() -> TransportSecuritySettings:
    """The SDK's guard against DNS rebinding, at rest: the door has checked Host and Origin.

    Left alone, the SDK admits loopback names only and answers 421 to a deployed server's own.
    """
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def request_state_security(keys: Sequence[bytes]) -> RequestStateSecurity:
    """How the SDK seals the state of a call of several rounds: the first of `keys` seals, all open.

    Without keys it makes one of its own, and the rounds of a call must come to this process.
    """
    return RequestStateSecurity(keys=keys) if keys else RequestStateSecurity.ephemeral()


def tool_error(error: OboError) -> OboError:
    """`error` in a form that the SDK shows to the model: the same leaf, and a `ToolError` too.

    It stays what it was for `except` clauses. It is never an `MCPError`, so no protocol error
    (such as -32042, which the 2026-07-28 wire forbids) can come of it by itself.
    """
    if isinstance(error, ToolError):
        return error
    kind: type[OboError] = _shown(type(error))  # type: ignore[arg-type]  # a class is hashable
    shown = kind.__new__(kind, _words(error))
    vars(shown).update(vars(error))
    shown.__cause__ = error.__cause__
    told = TOLD.get()
    if told is not None:
        told.note(shown)
    return shown


def challenged(request: Any, refusal: OboError) -> bool:
    """Have the client asked over HTTP to sign in again, if that is what `refusal` wants.

    The middle tier passes a claims challenge on to its client in a 401 (Entra, "On-behalf-of
    flow", error handling). False where `refusal` is of another kind, the answer has begun, the
    operator wants none, or there is no HTTP: the model then reads the refusal.
    """
    if refusal.status != _SIGN_IN_AGAIN or request is None:
        return False
    refuse = request.scope.get(_REFUSE)
    return refuse is not None and bool(refuse(refusal))


def _words(error: OboError) -> str:
    """What a model reads: the public text, for a missing consent also where to give it."""
    words = [str(error)]
    if isinstance(error, ConsentRequired):
        if error.consent_url:
            words.append(f"The person can agree at {error.consent_url}")
        if error.admin_consent_url:
            words.append(f"An administrator can agree for everybody at {error.admin_consent_url}")
        if error.scopes:
            words.append(f"Asked for: {' '.join(error.scopes)}")
    return "\n".join(words)


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
