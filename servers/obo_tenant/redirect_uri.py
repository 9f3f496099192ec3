"""Is a redirect URI one of those that are registered?

Exactly the same text, but for loopback http URIs, whose port does not count (RFC 8252 section 7.3;
Entra, "Redirect URI (reply URL) restrictions and limitations": so it is for `localhost` and for
`127.0.0.1`, which the portal does not register with http but the manifest does; not for `[::1]`).
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_LONGEST = 256
_ODD = re.compile(r"[\s\\@#\x00-\x1f\x7f]")


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """Whether an answer may be sent to `uri`."""
    known = tuple(registered)
    return uri in known or _loopback_form(uri) in {_loopback_form(each) for each in known} - {None}


def may_be_registered(uri: str) -> bool:
    """Whether an application can have it: https, or http on this machine (the same page)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    plain = not (_ODD.search(uri) or "*" in uri) and len(uri) <= _LONGEST and bool(parts.hostname)
    return plain and (parts.scheme == "https" or _loopback_form(uri) is not None)


def _loopback_form(uri: str) -> tuple[str, str, str] | None:
    """What counts of a loopback URI: host, path, query. None for any other URI."""
    if _ODD.search(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises ValueError unless it is a port
    except ValueError:
        return None
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        return None
    return parts.hostname, parts.path or "/", parts.query
