"""What Graph says when it says no: status, code and words, one function per refusal.

The codes differ by the service behind the gateway (directory, Exchange, OneDrive), and so do ours.
Sources: Graph "errors" page, and the pages of the single calls.
"""

import base64
from collections.abc import Mapping
from typing import Literal

Area = Literal[
    "directory", "people", "mail", "calendar", "drive", "search", "teams", "tasks", "planner"
]  # fmt: skip

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
AUTHORIZATION_URI = "https://login.microsoftonline.com/common/oauth2/authorize"


class GraphError(Exception):
    """A refusal in Graph's words. `code` and `message` go to the caller, `headers` too."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class ClaimsChallenge(PermissionError):
    """A token check may raise this to ask for more claims (continuous access evaluation).

    `claims` is the JSON text that the client has to send to the token endpoint.
    """

    def __init__(self, message: str, claims: str) -> None:
        super().__init__(message)
        self.claims = claims


def unauthenticated(message: str, claims: str | None = None) -> GraphError:
    """401, with the challenge of the gateway; with `claims` the one for step-up."""
    challenge = (
        f'Bearer realm="", authorization_uri="{AUTHORIZATION_URI}", client_id="{GRAPH_APP_ID}"'
    )
    if claims is not None:
        encoded = base64.b64encode(claims.encode()).decode()
        challenge += (
            f', error_description="{message}", error="insufficient_claims", claims="{encoded}"'
        )
    headers = {"WWW-Authenticate": challenge}
    return GraphError(401, "InvalidAuthenticationToken", message, headers=headers)


def delegated_only() -> GraphError:
    """400 for an app-only token: nobody is `me`."""
    return GraphError(
        400, "BadRequest", "/me request is only valid with delegated authentication flow."
    )


_DENIED: Mapping[Area, tuple[str, str]] = {
    "directory": (
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ),
    "mail": ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    "calendar": ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    "drive": ("accessDenied", "Access denied"),
    "search": ("Forbidden", "Access to the requested entity types is not granted."),
    "people": ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    "teams": ("Forbidden", "Missing scope permissions on the request."),
    "tasks": ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    "planner": ("", "You do not have the required permissions to access this item."),
}


def denied(area: Area) -> GraphError:
    """403: the scope is missing, or the data belongs to somebody else."""
    code, message = _DENIED[area]
    return GraphError(403, code, message)


def no_such_user(area: Area, name: str) -> GraphError:
    """404 for a person the directory does not know."""
    if area in ("mail", "calendar"):
        return GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")
    if area == "drive":
        return item_not_found("drive")
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def item_not_found(area: Area) -> GraphError:
    """404: the id is well formed but this person has nothing under it."""
    if area == "drive":
        return GraphError(404, "itemNotFound", "The resource could not be found.")
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> GraphError:
    """400: this cannot be an Outlook id at all."""
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def unknown_segment(segment: str) -> GraphError:
    """400: there is no such path."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def method_not_allowed() -> GraphError:
    """405: the path exists, the verb does not."""
    return GraphError(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
    )


def bad_request(message: str) -> GraphError:
    """400 by the gateway's parser."""
    return GraphError(400, "BadRequest", message)


def over_concurrency() -> GraphError:
    """429: four requests of this app are already at work in this mailbox."""
    return GraphError(
        429,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
        headers={"Retry-After": "1"},
    )
