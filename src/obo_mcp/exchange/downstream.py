"""Whose token came back? A look at it where it can be read, never a validation.

A downstream token is meant for its resource: signature, audience and lifetime are the resource's
business (Entra, "Access tokens": do not validate tokens for another API). That it speaks for the
person who asked is ours.
"""

import base64
import json
from typing import Any

from obo_mcp.errors import WrongPerson
from obo_mcp.exchange.cause import Cause
from obo_mcp.inbound.principal import Principal
from obo_mcp.secret import Secret

_PARTS = 3


def check_person(token: Secret, principal: Principal) -> None:
    """Let `token` pass if it is the same person's in the same tenant, or cannot be read.

    Raises:
        WrongPerson: it names another person or another tenant.
    """
    ours = {"oid": principal.oid, "tid": principal.tid}
    for name, value in _members(token.reveal()):
        if ours.get(name, value) != value:
            error = WrongPerson()
            error.__cause__ = Cause(f"another {name} in the downstream token")
            raise error


def _members(token: str) -> list[tuple[str, Any]]:
    """The claims of a JWT, those that occur twice included; nothing for an opaque token.

    Read as loosely as anybody might read it: what we cannot read is not looked at.
    """
    parts = token.split(".")
    if len(parts) != _PARTS:
        return []
    try:
        octets = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(octets, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    return claims if isinstance(claims, _Pairs) else []


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands there."""
