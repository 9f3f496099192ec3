"""The `claims` request parameter (OpenID Connect Core 5.5): what a new token should be good for.

Entra, "Claims challenges, claims requests and client capabilities". A client declares what it can
do (`xms_cc`, among it "cp1": claims challenges) or repeats the challenge that it was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from obo_tenant.plain_json import read_json
from obo_tenant.refusal import Refusal

_CAPABLE = "cp1"
_CAPABILITIES = "xms_cc"
_MEMBERS = ("access_token", "id_token", "userinfo")


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """A checked request for claims; `access_token` holds the claims that it names for one."""

    access_token: Mapping[str, Any] = field(default_factory=dict)
    sent: bool = False

    def values(self, name: str) -> tuple[str, ...]:
        """The values that are asked of one claim, from `value` and `values` alike."""
        asked = self.access_token.get(name)
        if not isinstance(asked, Mapping):
            return ()
        values = asked.get("values", [])
        listed = [asked.get("value"), *(values if isinstance(values, list) else [values])]
        return tuple(value for value in listed if isinstance(value, str))

    @property
    def capable(self) -> bool:
        """Whether the client says it handles claims challenges; Entra ignores the case."""
        return _CAPABLE in {value.lower() for value in self.values(_CAPABILITIES)}

    @property
    def not_before(self) -> int | None:
        """The `nbf` that the token must reach (Unix seconds), if there is a readable one."""
        seconds = [int(text) for text in self.values("nbf") if text.isdecimal() and len(text) < 12]
        return max(seconds, default=None)

    @property
    def kind(self) -> str | None:
        """For the log, which keeps no text of a stranger's: "challenge", "cp1" or both."""
        challenge = bool(self.access_token.keys() - {_CAPABILITIES})
        kinds = [*(["challenge"] if challenge else []), *([_CAPABLE] if self.capable else [])]
        return " ".join(kinds) or ("other" if self.sent else None)


NO_CLAIMS = ClaimsRequest()


def read_claims(form: Mapping[str, str]) -> ClaimsRequest:
    """The `claims` parameter of a request.

    Raises:
        Refusal: 9002313 unless it is a JSON object of objects. Entra's error page knows no code of
            its own for it; that it takes this one ("malformed or invalid") is an inference.
    """
    text = form.get("claims", "")
    if not text.strip():
        return NO_CLAIMS
    try:
        return parse_claims(text)
    except ValueError:
        raise Refusal(9002313) from None


def parse_claims(text: str) -> ClaimsRequest:
    """A claims request from its JSON text. Raises ValueError if it is none."""
    members = read_json(text)
    if not _well_formed(members):
        raise ValueError("claims must be a JSON object of objects")
    return ClaimsRequest(members.get("access_token") or {}, sent=True)


def _well_formed(members: object) -> bool:
    if not isinstance(members, dict):
        return False
    return all(isinstance(members.get(name) or {}, dict) for name in _MEMBERS)


def claims_kind(form: Mapping[str, str]) -> str | None:
    """What the log says about the parameter; also for one that will be refused."""
    try:
        return read_claims(form).kind
    except Refusal:
        return "malformed"
