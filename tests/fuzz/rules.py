"""Who is let in and which keys are used, said a second time and independently of the library.

The library refuses step by step, each refusal with a name. Here there is only yes and no.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from fuzz.shapes import b64, unb64
from support.tokens import CLIENT, ISSUER_V1, ISSUER_V2, TENANT

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
VISIBLE = re.compile(r"[!-~]{1,256}", re.ASCII)
WORDS = re.compile(r"[ -~]*", re.ASCII)
OURS = {
    "2.0": ([ISSUER_V2], [CLIENT], "azp"),
    "1.0": ([ISSUER_V1], [CLIENT, f"api://{CLIENT}", f"api://{CLIENT}/"], "appid"),
}
END_OF_DATES = 2**33
NOT_THERE = object()
SECRETS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def is_date(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < END_OF_DATES


def is_in_time(nbf: int, exp: int, now: float, leeway: int) -> bool:
    """RFC 7519 sections 4.1.4 and 4.1.5, exactly: no float takes part in the arithmetic."""
    return nbf - leeway <= Fraction(now) < exp + leeway


def says(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_let_in(claims: Mapping[str, Any], *, now: float, leeway: int, scope: str) -> bool:
    """Whether a rightly signed token with these claims may come in: a person's, for us, now."""

    def said(name: str) -> Any:
        return claims.get(name, NOT_THERE)

    if said("ver") not in list(OURS):
        return False
    issuers, audiences, client = OURS[said("ver")]
    nbf, exp, iat = said("nbf"), said("exp"), claims.get("iat", 0)
    return (
        said("iss") in issuers
        and said("aud") in audiences
        and said("tid") == TENANT
        and says(GUID, said("oid"))
        and says(GUID, said(client))
        and says(VISIBLE, said("sub"))
        and all(is_date(date) for date in (nbf, exp, iat))
        and is_in_time(max(nbf, iat), exp, now, leeway)
        and says(WORDS, said("scp"))
        and scope in re.split(" +", said("scp"))
        and said("idtyp") in [NOT_THERE, "user"]
        and is_list_of_texts(claims.get("roles", []))
    )


def is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(member, str) for member in value)


def number_of(value: Any) -> int:
    """A Base64urlUInt of RFC 7518 section 2, or -1."""
    try:
        octets = unb64(value)
    except (TypeError, ValueError, AttributeError):
        return -1
    return int.from_bytes(octets) if b64(octets) == value else -1


def is_usable_key(entry: Any) -> bool:
    """Whether a member of a JWK set is a public RSA key that checks RS256 signatures."""
    if not isinstance(entry, dict):
        return False
    modulus, exponent = number_of(entry.get("n")), number_of(entry.get("e"))
    return (
        isinstance(entry.get("kid"), str)
        and bool(entry["kid"])
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and "verify" in (entry.get("key_ops", ["verify"]) if is_a_list(entry, "key_ops") else [])
        and 2048 <= modulus.bit_length() <= 8192
        and 3 <= exponent < modulus
        and modulus % 2 == exponent % 2 == 1
        and isinstance(entry.get("issuer", ""), str | None)
    )


def is_a_list(entry: Mapping[str, Any], name: str) -> bool:
    return isinstance(entry.get(name, []), list)


def usable_kids(document: Mapping[str, Any]) -> list[str]:
    """The `kid`s of the keys to use in a JWK set; none if the set as a whole is not to be used."""
    found = document.get("keys")
    entries = (
        [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    )
    kids = [entry["kid"] for entry in entries if is_usable_key(entry)]
    named = [entry.get("kid") for entry in entries]
    is_unambiguous = all(named.count(kid) == 1 for kid in kids)
    is_public = not any(SECRETS & entry.keys() for entry in entries)
    return kids if is_unambiguous and is_public else []
