"""A client assertion as it was presented, before anybody knows whether it is true."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from obo_tenant.clock import stamp
from obo_tenant.refusal import Refusal

ALGORITHMS = ("RS256", "PS256")
_SKEW_SECONDS = 300
_END_OF_TIME = 253_402_300_800  # the year 10000


class MalformedAssertion(Refusal):
    """50027 for the client's own token is a fault of the request, not of a grant."""

    def __init__(self) -> None:
        super().__init__(50027)
        self.error = "invalid_request"


@dataclass(frozen=True, slots=True)
class Presented:
    """A token with its header and its claims, unverified."""

    token: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, token: str) -> "Presented":
        """Read a compact JWS.

        Raises:
            Refusal: 50027 not a JWT, 5002738 a signature algorithm that is not taken, 90014 no
                issuer, subject or audience.
        """
        try:
            decoded = jwt.PyJWS().decode_complete(token, options={"verify_signature": False})
            claims = json.loads(decoded["payload"])
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise MalformedAssertion from None
        if not isinstance(claims, dict):
            raise MalformedAssertion
        algorithm = decoded["header"].get("alg")
        if not isinstance(algorithm, str):
            raise MalformedAssertion
        if algorithm not in ALGORITHMS:
            raise Refusal(5002738, algorithm=algorithm[:20])
        for name in ("iss", "sub", "aud"):
            if not claims.get(name):
                raise Refusal(90014, field=name)
        return cls(token, decoded["header"], claims)

    @property
    def issuer(self) -> str:
        """Who signed it, as it says."""
        return str(self.claims["iss"])

    @property
    def subject(self) -> str:
        """Whom it is about, as it says."""
        return str(self.claims["sub"])

    @property
    def audiences(self) -> frozenset[str]:
        """Whom it is for, as it says: one, or several in a list (RFC 7519 section 4.1.3)."""
        audience = self.claims["aud"]
        several = audience if isinstance(audience, list) else [audience]
        return frozenset(str(each) for each in several)

    @property
    def federated(self) -> bool:
        """Whether somebody else signed it: a client's own token has its client id as issuer."""
        return "://" in self.issuer

    def is_signed_by(self, public_key: Any) -> bool:
        """Whether that key signed it, with the algorithm in its header."""
        try:
            jwt.PyJWS(algorithms=list(ALGORITHMS)).decode(
                self.token, public_key, algorithms=list(ALGORITHMS)
            )
        except (jwt.InvalidTokenError, ValueError):
            return False
        return True

    def check_time(self, now: float) -> None:
        """Whether `now` (Unix seconds) is within its validity, with five minutes of grace before.

        Entra's times may have fractions, and need no beginning: MSAL's assertions are like that.

        Raises:
            Refusal: 700024.
        """
        ends, begins = _seconds(self.claims.get("exp")), _seconds(self.claims.get("nbf"))
        if not begins - _SKEW_SECONDS <= now < ends:
            raise Refusal(700024, now=stamp(now), begins=stamp(begins), ends=stamp(ends))


def _seconds(value: object) -> float:
    """A time in a claim; what is no time that a calendar knows counts as long ago."""
    if isinstance(value, int | float) and 0 <= value < _END_OF_TIME:
        return float(value)
    return 0.0
