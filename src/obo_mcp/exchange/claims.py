"""Claims requests and claims challenges (OpenID Connect Core 5.5; Entra, "Claims challenge").

They travel as base64 in a WWW-Authenticate header, and as plain JSON to the token endpoint.
"""

import base64
import json
import re
from typing import Any

from obo_mcp.inbound.encoding import json_object

ANSWERS_CHALLENGES = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
"""The client capability that asks for tokens which a resource may challenge before their end.

Only for clients that answer such a challenge; others would be refused for as long as a day
(Entra, "Client capabilities").
"""
LONGEST = 8 * 1024
"""What servers and clients read of one header is seldom more than 16 KiB, base64 included."""
_LONGEST_HEADER = 16 * 1024
_PARAMETER = re.compile(r'(?<![A-Za-z_])([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_URL_SAFE = str.maketrans("-_", "+/")


def challenged(www_authenticate: str) -> str:
    """The claims of a resource's challenge as JSON text; "" if the header holds none.

    Only `error="insufficient_claims"` counts, and only claims that are a JSON object.
    """
    if len(www_authenticate) > _LONGEST_HEADER:
        return ""
    found = {
        name.lower(): quoted or plain
        for name, quoted, plain in _PARAMETER.findall(www_authenticate)
    }
    if found.get("error") != "insufficient_claims":
        return ""
    text = found.get("claims", "").translate(_URL_SAFE).rstrip("=")
    try:
        return _presentable(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except ValueError:
        return ""


def presentable(claims: object) -> str:
    """The claims of an error body in ASCII without blanks; "" for all but one JSON object.

    They are to go into a header of ours: an object of more than 8 KiB does not count either.
    """
    if not isinstance(claims, str) or len(claims) > LONGEST:
        return ""
    return _presentable(claims.encode("utf-8", "surrogatepass"))


def merged(*requests: str) -> str:
    """One claims request that asks for what each of `requests` asks for; "" for none.

    Raises:
        ValueError: one of them is no JSON.
        TypeError: one of them is JSON, but no object.
    """
    together: dict[str, Any] = {}
    for request in filter(None, requests):
        asked = json.loads(request)
        if not isinstance(asked, dict):
            raise TypeError("a claims request is a JSON object")
        for place, names in asked.items():
            before = together.get(place)
            if isinstance(before, dict) and isinstance(names, dict):
                together[place] = before | names
            else:
                together[place] = names
    return _compact(together) if together else ""


def _presentable(octets: bytes) -> str:
    try:
        claims = json_object(octets)
        text = _compact(claims) if claims else ""
    except (ValueError, RecursionError):
        return ""
    return text if len(text) <= LONGEST else ""


def _compact(claims: dict[str, Any]) -> str:
    return json.dumps(claims, separators=(",", ":"), sort_keys=True)
