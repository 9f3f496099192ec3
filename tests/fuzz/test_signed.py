"""Rightly signed tokens that say anything at all: only what the rule admits becomes a Principal."""

import asyncio
import json
from collections import Counter

import pytest
from hypothesis import strategies as st

from fuzz.effort import say, tried
from fuzz.rules import is_let_in
from fuzz.shapes import ANY_TEXT, HEADER, JSON, json_bytes, signed
from obo_mcp.errors import InsufficientScope, OboError, TokenMalformed, TokenRejected
from support.clock import ManualClock
from support.tokens import (
    CLIENT,
    ISSUER_V1,
    ISSUER_V2,
    KID,
    NOW,
    POLICY,
    TENANT,
    claims_v1,
    claims_v2,
    verifier,
)

LEEWAY = POLICY.leeway_seconds
SCOPE = POLICY.scope.rpartition("/")[2]
GUIDS = [
    TENANT,
    CLIENT,
    CLIENT.replace("9", "f"),
    CLIENT.replace("9", "F"),
    CLIENT[:-1],
    f"{CLIENT}\n",
]
DATES = [NOW + offset for edge in (-LEEWAY, 0, LEEWAY) for offset in (edge - 1, edge, edge + 1)]
NEARLY = {
    "aud": [CLIENT, f"api://{CLIENT}", f"api://{CLIENT}/", f"api://{CLIENT}//", CLIENT.upper()],
    "iss": [ISSUER_V1, ISSUER_V2, f"{ISSUER_V2}/", ISSUER_V2.upper(), "https://[", "//\u2100"],
    "ver": ["1.0", "2.0", "2", 2.0, 1],
    "tid": GUIDS,
    "oid": GUIDS,
    "azp": GUIDS,
    "appid": GUIDS,
    "xms_par_app_azp": GUIDS,
    "sub": ["s", "s" * 256, "s" * 257, "a b", "\u0131", "s\n", ""],
    "scp": [SCOPE, f"x {SCOPE}", f"  {SCOPE}", f"{SCOPE}\tx", f"{SCOPE}\u00a0x", SCOPE.upper()],
    "idtyp": ["app", "user", "App", ""],
    "roles": [[], ["reader"], ["a", "b"], ["a b"], [1], "reader", [[]]],
    "xms_act_fct": ["11", "11 13", " ", "\u0661", "9" * 5_000],
    "xms_sub_fct": ["13", "x", "-1"],
    **dict.fromkeys(("nbf", "exp", "iat"), DATES),
}  # fmt: skip
ANY_BYTES = ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
OURS = (TokenRejected, InsufficientScope)
OUR_HEADER = {"alg": "RS256", "typ": "JWT", "kid": KID}
GONE = object()
CHANGES = st.dictionaries(
    st.sampled_from([*NEARLY, "acr", "wids"]), st.none(), min_size=1, max_size=3
).flatmap(
    lambda names: st.fixed_dictionaries(
        {
            name: st.sampled_from(NEARLY.get(name, [0])) | JSON | st.just(GONE)
            for name in sorted(names)
        }
    )
)


class Door:
    """A verifier on a loop of its own, for tests that are called by the thousand."""

    def __init__(self):
        self.runner = asyncio.Runner()
        self.verify = verifier(ManualClock()).verify
        self.met = Counter()

    def outcome(self, token):
        try:
            found = self.runner.run(self.verify(token))
        except OboError as refusal:
            found = refusal
        assert not isinstance(found, OboError) or isinstance(found, OURS)
        self.met[type(found).__name__] += 1
        return found


@pytest.fixture(scope="module")
def door():
    door = Door()
    with door.runner:
        yield door


def changed(claims, changes):
    return {name: value for name, value in (claims | changes).items() if value is not GONE}


def test_claims_of_any_kind_become_a_principal_only_if_the_rule_says_so(door):
    @tried(1_000, claims=st.sampled_from([claims_v1(), claims_v2()]), changes=CHANGES)
    def holds(claims, changes):
        said = changed(claims, changes)
        found = door.outcome(signed(HEADER, json_bytes(said)))
        if not is_json(said):
            assert isinstance(found, TokenMalformed), found
        elif is_let_in(said, now=NOW, leeway=LEEWAY, scope=SCOPE):
            assert not isinstance(found, OboError), found
            assert (found.tid, found.oid, found.sub) == (said["tid"], said["oid"], said["sub"])
        else:
            assert isinstance(found, OboError)

    holds()
    say(f"signed tokens: {dict(door.met)}")
    assert door.met["Principal"] > 100
    assert len(door.met) > 8, door.met


def is_json(value):
    """NaN and Infinity are Python's idea of JSON."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def test_a_payload_of_any_kind_is_refused_with_an_error_of_ours(door):
    @tried(500, payload=JSON.map(json_bytes) | st.binary(max_size=80) | ANY_BYTES)
    def holds(payload):
        assert isinstance(door.outcome(signed(HEADER, payload)), TokenMalformed | TokenRejected)

    holds()


MEMBERS = {
    "alg": ["RS256", "rs256", "RS384", "none", ["RS256"], {}],
    "kid": [KID, KID.upper(), "", "k" * 257, 7],
    "typ": ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "JOSE", "\u0131"],
    **dict.fromkeys(("x5t", "x5t#S256", "nonce"), ("AQAB", "", None)),
    **dict.fromkeys(("cty", "crit", "zip", "b64", "jku", "jwk", "x5u", "x5c", "ALG", ""), ("JWT",)),
}
NEARLY_OURS = (
    st.dictionaries(st.sampled_from(sorted(MEMBERS)), st.none(), max_size=2)
    .flatmap(
        lambda names: st.fixed_dictionaries(
            {name: st.sampled_from(MEMBERS[name]) | JSON | st.just(GONE) for name in sorted(names)}
        )
    )
    .map(lambda changes: json_bytes(changed(OUR_HEADER, changes)))
)
ANYTHING = st.dictionaries(ANY_TEXT, JSON, max_size=2).map(json_bytes) | st.binary() | ANY_BYTES
HEADERS = st.one_of(NEARLY_OURS, NEARLY_OURS, NEARLY_OURS, ANYTHING)
KNOWN_MEMBERS = {"alg", "kid", "typ", "x5t", "x5t#S256", "nonce"}


def is_header_of_ours(header):
    """A header that Entra might write; anything else is refused, whoever signed it."""
    try:
        members = json.loads(header.decode("utf-8"))
        json.dumps(members, allow_nan=False)
    except ValueError:
        return False
    return (
        isinstance(members, dict)
        and members.keys() <= KNOWN_MEMBERS
        and members.get("alg") == "RS256"
        and members.get("kid") == KID
        and isinstance(members.get("typ", "JWT"), str)
        and members.get("typ", "JWT").lower() in {"jwt", "at+jwt"}
    )


def test_a_header_of_any_kind_is_accepted_only_if_entra_might_have_written_it(door):
    payload = json_bytes(claims_v2())

    @tried(1_000, header=HEADERS)
    def holds(header):
        found = door.outcome(signed(header, payload))
        assert isinstance(found, OboError) is not is_header_of_ours(header), found

    before = door.met["Principal"]
    holds()
    assert door.met["Principal"] > before + 30
