"""The access token of a request (RFC 6750 section 2.1: the Authorization header, nowhere else)."""

import re
from collections.abc import Iterable

from obo_mcp.errors import CredentialsInvalid, CredentialsMissing
from obo_mcp.secret import Secret

_BEARER = re.compile(rb"bearer(?= |\Z)", re.IGNORECASE)
_CREDENTIALS = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *\Z", re.IGNORECASE)


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> Secret:
    """The one bearer token among `headers`.

    Raises:
        CredentialsMissing: none, or credentials of another scheme.
        CredentialsInvalid: several Authorization headers, or text that is not one b64token.
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        raise CredentialsMissing
    if len(values) > 1:
        raise CredentialsInvalid
    if not _BEARER.match(values[0]):
        raise CredentialsMissing
    # No local of this frame may hold a token in the clear when it is refused.
    if not (found := _CREDENTIALS.match(values[0])):
        raise CredentialsInvalid
    return Secret(found[1].decode("ascii"))
