"""How a failure is told to an HTTP client (RFC 6750 section 3, RFC 9728 section 5.1)."""

import base64

from obo_mcp.asgi.answer import Answer
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.errors import CredentialsInvalid, OboError

_CHALLENGED = frozenset({401, 403})
_METHOD_NOT_ALLOWED = 405
_LONGEST_CLAIMS = 8 * 1024


def challenge(error: OboError, resource: ProtectedResource, correlation_id: str) -> Answer:
    """The answer for `error`: its status, its code, its public words and the id to ask for.

    401, 403 and the 400 for odd credentials carry a challenge that says where the metadata is and
    which scope to ask for; a claims challenge travels in it as base64 (Entra, "Claims challenge").
    405 names the method that is taken, 503 says when to return.
    """
    headers = {}
    if error.status in _CHALLENGED or isinstance(error, CredentialsInvalid):
        headers["www-authenticate"] = _www_authenticate(error, resource)
    if error.status == _METHOD_NOT_ALLOWED:
        headers["allow"] = "POST"
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    body = {
        "error": error.code or "unauthorized",
        "error_description": str(error),
        "correlation_id": correlation_id,
    }
    return Answer(error.status, body, headers)


def _www_authenticate(error: OboError, resource: ProtectedResource) -> str:
    parameters = {"resource_metadata": resource.metadata_url, "scope": resource.scope}
    if error.code:
        parameters |= {"error": error.code, "error_description": _quotable(str(error))}
    if claims := _encoded(error.claims):
        parameters["claims"] = claims
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


def _encoded(claims: str) -> str:
    """Base64 of claims that fit into a header; "" for others: a challenge goes out in any case."""
    octets = claims.encode("utf-8", "replace")
    return base64.b64encode(octets).decode() if len(octets) <= _LONGEST_CLAIMS else ""


def _quotable(text: str) -> str:
    """The characters that RFC 6750 section 3 allows in an error description."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
