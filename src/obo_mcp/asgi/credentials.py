"""The access token of a request (RFC 6750 section 2.1: the Authorization header, nowhere else)."""

import re
from collections.abc import Iterable

from obo_mcp.errors import CredentialsInvalid, CredentialsMissing
from obo_mcp.secret import Secret

_B64TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*\Z")


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
    scheme, _, token = values[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise CredentialsMissing
    token = token.strip(b" ")
    if not _B64TOKEN.match(token):
        raise CredentialsInvalid
    return Secret(token.decode("ascii"))
