"""Family "control": good tokens. A harness that refuses everything would prove nothing."""

from collections.abc import Iterator
from typing import Any

from vectors.forging.kinds import AGENTS, BLUEPRINT, CLAIMS, DENY, ROLE, TOKENS
from vectors.forging.material import (
    CALLER,
    CLIENT,
    LEEWAY,
    LOGIN,
    NOW,
    OTHER_TENANT,
    SCOPE,
    URI,
    Item,
    Signer,
    application,
    compact_json,
    header,
    person,
    person_v1,
    rs256,
    rsa_key,
    token,
)
from vectors.forging.strangers import BOTH
from vectors.forging.structure import LIMIT, of_length

FAMILY = "control"


def items() -> Iterator[Item]:
    yield from _forms()
    yield from _times()
    yield from _keys()
    yield from _policies()


def _item(
    name: str, text: str, reason: str, clause: str, policy: dict[str, Any] | None = None
) -> Item:
    return Item(f"good-{name}", FAMILY, text, reason, clause, "", policy or {})


def _forms() -> Iterator[Item]:
    yield _item("v2", token(), "A v2 access token.", TOKENS)
    audiences = {"uri": URI, "uri-slash": f"{URI}/", "guid": CLIENT}
    for name, audience in audiences.items():
        text, reason = token(body=person_v1(aud=audience)), f"A v1 access token: {name}."
        yield _item(f"v1-{name}", text, reason, TOKENS)
    scopes = {"first": f"{SCOPE} User.Read", "last": f"User.Read  {SCOPE}"}
    for name, scope in scopes.items():
        yield _item(f"scopes-{name}", token(body=person(scp=scope)), "Several scopes.", CLAIMS)
    types = ["jwt", "Jwt", "at+jwt", "AT+JWT"]
    for typ in types:
        text = token(header(typ=typ))
        yield _item(f"typ-{typ}", text, f"typ is {typ}.", "RFC 8725 3.11")
    yield _item("typ-missing", token(header("typ")), "No typ.", "RFC 7519 5.1")
    text = token(header(x5t="AAAAAAAAAAAAAAAAAAAAAAAAAAA"))
    yield _item("x5t", text, "A thumbprint in the header, as in v1.", "RFC 7515 4.1.7")
    blank = compact_json(header()).replace(b",", b",\r\n ")
    yield _item("blank-json", token(blank), "Line breaks within the JSON.", "RFC 7519 3.1")
    text = token(body=compact_json(person(idtyp="user", name="Ad\u00e8le")))
    yield _item("idtyp-user", text, "idtyp says user.", CLAIMS)
    text = token(body=person(name="Ad\u00e8le \U0001f511", xms_cc=["cp1"], groups=["x"] * 200))
    yield _item("other-claims", text, "Claims that we do not read.", "RFC 7519 4")
    yield _item("longest", of_length(LIMIT), "16 KiB to the byte.", "RFC 8725 3.4")


def _times() -> Iterator[Item]:
    times = {
        "exp-in-leeway": ({"exp": NOW - LEEWAY + 1}, "RFC 7519 4.1.4"),
        "nbf-in-leeway": ({"nbf": NOW + LEEWAY}, "RFC 7519 4.1.5"),
        "iat-in-leeway": ({"iat": NOW + LEEWAY}, "RFC 7519 4.1.6"),
        "long-lived": ({"exp": NOW + 28 * 3600}, "Entra, Configurable token lifetimes"),
    }
    for name, (changes, clause) in times.items():
        text = token(body=person(**changes))
        yield _item(name, text, "At the edge of its time.", clause)
    yield _item("no-iat", token(body=person("iat")), "iat is optional.", "RFC 7519 4.1.6")


def _keys() -> Iterator[Item]:
    signers: dict[str, Signer] = {
        "signing-key-two": rs256(rsa_key("two")),
        "v2-key": rs256(rsa_key("v2")),
        "cubic-key": rs256(rsa_key("cubic", exponent=3)),
    }
    for kid, sign in signers.items():
        text = token(header(kid=kid), sign=sign)
        yield _item(kid, text, f"Signed with another published key: {kid}.", "RFC 7517 4.5")
    text = token(header(kid="v1-key"), person_v1(), rs256(rsa_key("v1")))
    yield _item("v1-key", text, "A v1 token under the key of v1.", TOKENS)


def _policies() -> Iterator[Item]:
    iss = f"{LOGIN}/{OTHER_TENANT}/v2.0"
    body = person(tid=OTHER_TENANT, iss=iss)
    text = token(header(kid="other-key"), body, rs256(rsa_key("other")))
    yield _item("other-tenant", text, "A second tenant that is allowed.", CLAIMS, BOTH)
    text = token(body=person(xms_act_fct="11", xms_par_app_azp=BLUEPRINT))
    yield _item("agent", text, "An agent acts for a person, which is allowed.", AGENTS)
    text = token(body=person(xms_act_fct="9 111", xms_sub_fct=""))
    yield _item("no-agent", text, "Facets, but none of an agent's.", AGENTS, DENY)
    text = token(body=person(uti="listed"))
    yield _item("client", text, "The client is on the list.", CLAIMS, {"clients": [CALLER]})
    text = token(body=application(roles=["Everything.Read", "Exchange.All"]))
    yield _item("role", text, "An application that was granted the role.", CLAIMS, ROLE)
    text = token(body=person(uti="v2-only"))
    yield _item("v2-only", text, "v2, where only v2 is taken.", TOKENS, {"versions": ["2.0"]})
