"""Who asks: the pair of tenant and object id that everything the agent keeps is bound to."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from obo_tenant.people import PEOPLE

_KEYS = {person.oid: person.key for person in PEOPLE}


class NoPerson(Exception):
    """The token is sound but stands for no person (an application's own token)."""


@dataclass(frozen=True, slots=True)
class PersonId:
    """A person as Entra names one: `oid` is unique only within `tid` (ED:claims-validation)."""

    tid: str
    oid: str

    @property
    def key(self) -> str:
        """The short name of one of the tenant's people, else the object id."""
        return _KEYS.get(self.oid, self.oid)


def person_of(claims: Mapping[str, Any]) -> PersonId:
    """The person a delegated token stands for.

    Raises:
        NoPerson: no `tid` or `oid`, or the token is app-only (`idtyp` is app, or no `scp`).
    """
    tid, oid = claims.get("tid"), claims.get("oid")
    delegated = claims.get("idtyp") != "app" and bool(claims.get("scp"))
    if not (delegated and isinstance(tid, str) and isinstance(oid, str)):
        raise NoPerson("The token stands for an application, not for a person who signed in.")
    return PersonId(tid, oid)


def claims_unverified(token: str) -> dict[str, Any]:
    """What a token received straight from the token endpoint says, its signature unchecked.

    OpenID Connect Core 3.1.3.7 (6) allows this where TLS vouches for the sender. Never use it
    for a token that somebody else brought.

    Raises:
        ValueError: the text is no JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("The token endpoint's access token is not a JWT.")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        raise ValueError("The token endpoint's access token cannot be read.") from None
    match claims:
        case dict():
            return claims
    raise ValueError("The token endpoint's access token holds no claims.")
