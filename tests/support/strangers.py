"""Tokens with everything right but the key: its id is invented, and the signature with it."""

import base64
import json
import os
from collections.abc import Iterator

from obo_mcp.secret import Secret


def strangers(token: Secret, count: int) -> Iterator[Secret]:
    """They claim what `token` claims, each under a key id of its own."""
    payload = token.reveal().split(".")[1]
    for _ in range(count):
        header = {"alg": "RS256", "typ": "JWT", "kid": _base64url(os.urandom(20))}
        head = _base64url(json.dumps(header).encode())
        yield Secret(f"{head}.{payload}.{_base64url(os.urandom(256))}")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
