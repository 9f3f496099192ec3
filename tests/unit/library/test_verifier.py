"""From a token to a principal: who is let in, and which refusal each other token gets."""

from dataclasses import replace

import pytest

from obo_mcp.errors import (
    AgentNotAllowed,
    ClientNotAllowed,
    IdTokenPresented,
    InsufficientScope,
    KeysUnavailable,
    NotDelegated,
    SignatureInvalid,
    SigningKeyUnknown,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    WrongAudience,
    WrongIssuer,
    WrongTenant,
)
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import IssuerKeys
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.observe import fields_of
from obo_mcp.secret import Secret
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
    published,
    sign,
)
from support.tokens import verifier as verifier_of


class Authority:
    """The keys that are published, and how often somebody asked for them."""

    def __init__(self, *kids):
        self.published = published(*kids)
        self.asked = 0

    async def fetch(self):
        self.asked += 1
        if self.published is None:
            raise KeysUnavailable
        return self.published


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
def verifier(authority, clock):
    return AccessTokenVerifier({TENANT: SigningKeys(authority.fetch, clock)}, POLICY, clock)


@pytest.mark.promise("P-01")
async def test_a_v2_access_token_becomes_a_principal(verifier):
    principal = await verifier.verify(sign(claims_v2(scp="mcp.access other")))
    assert (principal.tid, principal.oid) == (TENANT, "0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e601")
    assert principal.scopes == {"mcp.access", "other"}
    assert principal.expires_at == NOW + 3600
    assert principal.azp == "aaaaaaaa-1111-4222-8333-444444444444"


async def test_a_principal_is_bound_to_its_token_by_a_fingerprint(verifier):
    first, second = sign(claims_v2()), sign(claims_v2(jti="another"))
    assert (await verifier.verify(first)).token_digest == first.digest()
    assert (await verifier.verify(second)).token_digest == second.digest()
    assert (await verifier.verify(first)).token_digest == first.digest()


@pytest.mark.parametrize("audience", [f"api://{CLIENT}", f"api://{CLIENT}/", CLIENT])
async def test_a_v1_access_token_becomes_a_principal(verifier, audience):
    principal = await verifier.verify(sign(claims_v1(aud=audience)))
    assert principal.issuer == ISSUER_V1
    assert principal.azp == "aaaaaaaa-1111-4222-8333-444444444444"


OID = claims_v2()["oid"]
REFUSED = {
    "another audience": (claims_v2(aud="api://somebody-else"), WrongAudience),
    "a list of audiences": (claims_v2(aud=[CLIENT, "x"]), WrongAudience),
    "no audience": (claims_v2(aud=None), WrongAudience),
    "an audience with a prefix of ours": (claims_v2(aud=CLIENT[:-1]), WrongAudience),
    "another issuer": (claims_v2(iss="https://login.example/other/v2.0"), WrongIssuer),
    "the v1 issuer in a v2 token": (claims_v2(iss=ISSUER_V1), WrongIssuer),
    "the issuer with a slash more": (claims_v2(iss=f"{claims_v2()['iss']}/"), WrongIssuer),
    "another tenant": (claims_v2(tid="22222222-2222-4333-8444-555555555555"), WrongTenant),
    "no tenant": (claims_v2(tid=None), WrongTenant),
    "expired": (claims_v2(exp=NOW - 60), TokenExpired),
    "not yet valid": (claims_v2(nbf=NOW + 61), TokenNotYetValid),
    "an expiry in text": (claims_v2(exp=str(NOW + 10)), TokenMalformed),
    "an expiry in fractions": (claims_v2(exp=NOW + 10.5), TokenMalformed),
    "an expiry that is true": (claims_v2(exp=True), TokenMalformed),
    "an expiry beyond all time": (claims_v2(exp=10**30), TokenMalformed),
    "no expiry": (claims_v2(exp=None), TokenMalformed),
    "no beginning": (claims_v2(nbf=None), TokenMalformed),
    "an id token": (claims_v2(scp=None, azp=None, azpacr=None, nonce="n"), IdTokenPresented),
    "an app-only token": (
        claims_v2(scp=None, idtyp="app", sub=OID, roles=["Everything"]),
        NotDelegated,
    ),
    "an app-only token without idtyp": (claims_v2(scp=None, sub=OID), NotDelegated),
    "an app-only token with a scope": (claims_v2(idtyp="app"), NotDelegated),
    "another scope": (claims_v2(scp="mcp.accessories access mcp"), InsufficientScope),
    "an empty scope": (claims_v2(scp=" "), InsufficientScope),
    "a list of scopes": (claims_v2(scp=["mcp.access"]), TokenMalformed),
    "no oid": (claims_v2(oid=None), TokenMalformed),
    "no sub": (claims_v2(sub=None), TokenMalformed),
    "no client": (claims_v2(azp=None), TokenMalformed),
    "an oid that is a number": (claims_v2(oid=7), TokenMalformed),
    "no version": (claims_v2(ver=None), TokenMalformed),
    "a version that is a list": (claims_v2(ver=["2.0"]), TokenMalformed),
    "a version of the future": (claims_v2(ver="3.0"), TokenMalformed),
}


@pytest.mark.promise("P-01")
@pytest.mark.parametrize(("claims", "refusal"), REFUSED.values(), ids=REFUSED)
async def test_every_other_token_is_refused_with_its_own_error(verifier, claims, refusal):
    with pytest.raises(refusal) as caught:
        await verifier.verify(sign(claims))
    assert type(caught.value) is refusal


async def test_a_token_signed_by_somebody_else_under_a_known_key_id_is_refused(verifier):
    with pytest.raises(SignatureInvalid):
        await verifier.verify(sign(claims_v2(), with_key="forger"))


async def test_a_foreign_token_costs_no_key_fetch(verifier, authority, clock):
    await verifier.verify(sign(claims_v2()))
    clock.advance(301)
    for claims in (claims_v2(aud="x"), claims_v2(iss="x"), claims_v2(tid="x")):
        with pytest.raises((WrongAudience, WrongIssuer, WrongTenant)):
            await verifier.verify(sign(claims, kid="unheard-of"))
    assert authority.asked == 1


@pytest.mark.parametrize("late", [0, 59])
async def test_the_leeway_forgives_a_minute_after_the_end(verifier, clock, late):
    clock.advance(3600 + late)
    await verifier.verify(sign(claims_v2()))
    clock.advance(1 if late else 60)
    with pytest.raises(TokenExpired):
        await verifier.verify(sign(claims_v2(jti="not remembered")))


async def test_a_remembered_token_is_refused_once_it_has_expired(verifier, clock):
    await verifier._keys[TENANT].refresh()
    token = sign(claims_v2(exp=NOW + 30))
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    clock.advance(91)
    with pytest.raises(TokenExpired):
        await verifier.verify(token)


async def test_a_remembered_token_is_refused_once_its_key_is_withdrawn(verifier, authority, clock):
    await verifier._keys[TENANT].refresh()
    token = sign(claims_v2())
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    authority.published = published("key-two")
    await verifier._keys[TENANT].refresh()
    with pytest.raises(SigningKeyUnknown):
        await verifier.verify(token)


async def test_a_token_is_remembered_for_five_minutes_at_most(verifier, clock):
    await verifier._keys[TENANT].refresh()
    token = sign(claims_v2())
    first = await verifier.verify(token)
    clock.advance(299)
    assert await verifier.verify(token) is first
    clock.advance(1)
    assert await verifier.verify(token) is not first


async def test_a_refusal_says_nothing_of_the_tokens_content(verifier):
    with pytest.raises(WrongAudience) as caught:
        await verifier.verify(sign(claims_v2(aud="api://secret-project", name="Adele Vance")))
    assert "secret-project" not in str(caught.value)
    assert "Adele" not in str(caught.value)


OTHER = "22222222-2222-4333-8444-555555555555"


def two_tenants(clock, policy=POLICY):
    """Our own tenant, and another whose keys and issuer are its own."""
    authorities = {TENANT: Authority(), OTHER: Authority("key-other")}
    issuer = ISSUER_V2.replace(TENANT, OTHER)
    theirs = authorities[OTHER].published["2.0"].keys
    authorities[OTHER].published = {"2.0": IssuerKeys(issuer, theirs)}
    keys = {tid: SigningKeys(authority.fetch, clock) for tid, authority in authorities.items()}
    policy = replace(policy, tenants=frozenset(keys))
    return AccessTokenVerifier(keys, policy, clock), authorities, claims_v2(tid=OTHER, iss=issuer)


@pytest.mark.promise("P-01")
async def test_issuer_key_and_tenant_are_bound_together(clock):
    verifier, _, theirs = two_tenants(clock)
    assert (await verifier.verify(sign(theirs, kid="key-other"))).tid == OTHER
    assert (await verifier.verify(sign(claims_v2()))).tid == TENANT
    for claims, kid, refusal in (
        (theirs, KID, SigningKeyUnknown),
        (claims_v2(), "key-other", SigningKeyUnknown),
        (theirs | {"iss": ISSUER_V2}, "key-other", WrongIssuer),
        (theirs | {"tid": TENANT}, "key-other", WrongIssuer),
        (claims_v2(tid=OTHER), KID, WrongIssuer),
    ):
        with pytest.raises(refusal):
            await verifier.verify(sign(claims, kid=kid))


async def test_a_tenants_keys_are_fetched_with_its_first_token_and_a_strangers_never(clock):
    verifier, authorities, theirs = two_tenants(clock)
    with pytest.raises(WrongTenant):
        await verifier.verify(sign(claims_v2(tid="33333333-2222-4333-8444-555555555555")))
    assert [authority.asked for authority in authorities.values()] == [0, 0]
    await verifier.verify(sign(claims_v2()))
    assert [authority.asked for authority in authorities.values()] == [1, 0]
    await verifier.verify(sign(theirs, kid="key-other"))
    assert [authority.asked for authority in authorities.values()] == [1, 1]


async def test_before_the_first_keys_the_issuer_is_judged_after_the_fetch(verifier, authority):
    with pytest.raises(WrongIssuer):
        await verifier.verify(sign(claims_v2(iss="https://login.example/other/v2.0")))
    assert authority.asked == 1


async def test_before_the_first_keys_a_foreign_issuer_is_the_reason_and_not_its_key(verifier):
    with pytest.raises(WrongIssuer):
        await verifier.verify(sign(claims_v2(iss="https://login.example/v2.0"), kid="unheard-of"))


async def test_a_change_of_one_tenants_keys_forgets_that_tenant_alone(clock):
    verifier, authorities, theirs = two_tenants(clock)
    ours, other = sign(claims_v2()), sign(theirs, kid="key-other")
    first = await verifier.verify(ours)
    await verifier.verify(other)
    authorities[OTHER].published = published("key-new")
    await verifier._keys[OTHER].refresh()
    assert await verifier.verify(ours) is first
    with pytest.raises((SigningKeyUnknown, WrongIssuer)):
        await verifier.verify(other)


AGENT = {"xms_act_fct": "11 7", "xms_par_app_azp": OTHER, "preferred_username": "adele@x.example"}


@pytest.mark.parametrize(
    ("wish", "lines"), [({}, 1), ({"agents": "log"}, 1), ({"agents": "allow"}, 0)]
)
async def test_an_agent_is_recorded_once_per_token_without_a_name(clock, caplog, wish, lines):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    judge = verifier_of(clock, replace(POLICY, **wish))
    token = sign(claims_v2(**AGENT))
    for _ in range(3):
        await judge.verify(token)
    await judge.verify(sign(claims_v2()))
    events = [fields_of(line) for line in caplog.records if line.message == "agent_caller"]
    assert len(events) == lines
    for event in events:
        assert event["azp"] == claims_v2()["azp"]
        assert (event["tid"], event["oid"]) == (TENANT, OID)
        assert (event["blueprint"], event["facets"]) == (OTHER, "7 11")
        assert "adele" not in str(event)


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        (replace(POLICY, agents="deny"), AgentNotAllowed),
        (replace(POLICY, clients=frozenset({OTHER})), ClientNotAllowed),
    ],
)
async def test_a_client_that_may_not_call_is_named_to_the_operator(clock, caplog, policy, refusal):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    with pytest.raises(refusal):
        await verifier_of(clock, policy).verify(sign(claims_v2(**AGENT)))
    events = [fields_of(line) for line in caplog.records if line.message != "keys"]
    assert [event["event"] for event in events] == ["client_refused"]
    assert (events[0]["azp"], events[0]["blueprint"]) == (claims_v2()["azp"], OTHER)
    assert "adele" not in str(events)


async def test_ten_thousand_tokens_are_remembered_and_no_more(clock):
    judge = verifier_of(clock)
    assert judge._verified.maxsize == 10_000


async def test_a_huge_token_is_refused_before_it_is_hashed(verifier):
    class Unhashed(Secret):
        def digest(self):
            raise AssertionError("two megabytes were hashed")

    with pytest.raises(TokenMalformed, match="16 KiB"):
        await verifier.verify(Unhashed("A" * 2_000_000))
