"""The exchange with real MSAL over TLS: who gets what when the token endpoint has a bad day."""

import asyncio
import gc
import json

import msal
import pytest

from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.clock import SystemClock
from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    OboError,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
)
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.credential import credential_of
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import AuthorityMetadata
from obo_mcp.inbound.principal import Caller
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.network import tls_context
from obo_mcp.secret import Secret
from support.world import GRAPH_SCOPE

GRAPH = Scopes.parse(GRAPH_SCOPE)


class Exchange:
    """Verifier, grant and broker of one server in the world."""

    def __init__(self, world, **options):
        self.settings = world.settings("http://127.0.0.1:1/mcp", **options)
        clock = SystemClock()
        authority = Authority(self.settings.authority_host, self.settings.tenant_id)
        trust = tls_context(self.settings.ca_bundle)
        keys = SigningKeys(AuthorityMetadata(authority, trust).fetch, clock)
        policy = ClaimsPolicy(
            tenants=frozenset({authority.tenant_id}),
            client_id=self.settings.client_id,
            audience_uris=frozenset({self.settings.audience_uri}),
            scope=self.settings.qualified_scope,
            leeway_seconds=60,
        )
        self.verifier = AccessTokenVerifier({authority.tenant_id: keys}, policy, clock)
        self.transport = TokenEndpointTransport(
            ca_bundle=self.settings.ca_bundle,
            timeout_seconds=self.settings.token_endpoint_timeout_seconds,
            connections=16,
        )
        credential = credential_of(self.settings, clock, self.transport)
        self.grant = OnBehalfOfGrant(self.settings, credential, self.transport, clock)
        self.cache = MemoryTokenCache(20_000, clock)
        self.broker = TokenBroker(
            self.grant.exchange, self.cache, clock, client_id=self.settings.client_id
        )

    async def caller(self, token: Secret) -> Caller:
        return Caller(
            await self.verifier.verify(token), token, "11111111-0000-4000-8000-000000000000"
        )

    async def token(self, token: Secret, scopes=GRAPH) -> Secret:
        return await self.broker.downstream_token(await self.caller(token), scopes)


@pytest.fixture
def exchange(world):
    exchange = Exchange(world)
    yield exchange
    exchange.grant.close()


def whose(downstream: Secret) -> str:
    import base64  # noqa: PLC0415 - the one place where a test looks into a token

    payload = downstream.reveal().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == "https://graph.microsoft.com"
    return claims["oid"]


async def test_a_v1_and_a_v2_access_token_are_exchanged(world, exchange):
    for version in (1, 2):
        downstream = await exchange.token(world.token("adele", version=version))
        assert whose(downstream) == world.person("adele")["oid"]


THROTTLED, DOWN = "TokenEndpointThrottled", "TokenEndpointUnavailable"
BAD_DAYS = [
    ({"status": 429, "headers": {"Retry-After": "30"}}, [THROTTLED, THROTTLED]),
    ({"status": 500, "count": 2}, [DOWN, "adele"]),
    ({"status": 400, "headers": {"Retry-After": "30"}}, ["AssertionRejected", "adele"]),
    ({"status": 200, "headers": {"Retry-After": "30"}}, ["adele", "adele"]),
    ({"status": 503, "headers": {"Retry-After": "120"}}, [DOWN, DOWN]),
]


@pytest.mark.promise("P-03")
@pytest.mark.parametrize(
    ("answer", "outcome"), BAD_DAYS, ids=[f"day-{n}" for n in range(len(BAD_DAYS))]
)
async def test_what_one_person_is_answered_never_reaches_another(world, exchange, answer, outcome):
    """Another's exchange is answered by the wire; only the person's own Retry-After counts."""
    await exchange.token(world.token("alex"))
    world.clear()
    body = {"error": "invalid_grant", "error_codes": [50173], "error_description": "x"}
    fault = answer | ({"body": body} if answer["status"] >= 400 else {})
    world.fault("token", person="adele", **fault)
    told = []
    for _ in range(2):
        try:
            told.append(whose(await exchange.token(world.token("adele"))))
        except OboError as error:
            told.append(type(error).__name__)
        second = await exchange.token(world.token("megan"))
        assert whose(second) == world.person("megan")["oid"]
    adele = world.person("adele")["oid"]
    assert told == [adele if word == "adele" else word for word in outcome]
    assert [entry["person"] for entry in world.exchanges()].count("megan") == 2


async def test_retry_after_is_passed_on(world, exchange):
    world.fault("token", person="adele", status=429, headers={"Retry-After": "17"})
    with pytest.raises(TokenEndpointThrottled) as caught:
        await exchange.token(world.token("adele"))
    assert caught.value.retry_after_seconds == 17


async def test_consent_given_after_a_refusal_works_at_once(world, exchange):
    token = world.token("diego")
    with pytest.raises(ConsentRequired):
        await exchange.token(token)
    world.consent("diego", given=True)
    try:
        assert whose(await exchange.token(token)) == world.person("diego")["oid"]
    finally:
        world.consent("diego", given=False)


@pytest.mark.promise("P-05")
async def test_a_thousand_cold_calls_of_one_person_make_one_exchange_on_the_wire(world, exchange):
    caller = await exchange.caller(world.token("adele"))
    asked = [exchange.broker.downstream_token(caller, GRAPH) for _ in range(1000)]
    tokens = await asyncio.gather(*asked)
    assert len({token.reveal() for token in tokens}) == 1
    assert len(world.exchanges()) == 1


@pytest.mark.promise("P-06")
async def test_msal_remembers_nothing_and_asks_for_no_refresh_token(world, exchange):
    asked = []
    post = exchange.transport.post

    def recording(url, **options):
        asked.append(options["data"])
        return post(url, **options)

    exchange.transport.post = recording
    people = world.crowd(30)
    for token in people:
        await exchange.token(token)
    ((_, application),) = exchange.grant._applications._kept.values()
    kinds = vars(msal.TokenCache.CredentialType).values()
    kept = [
        entry
        for kind in kinds
        if isinstance(kind, str) and not kind.startswith("__") and kind != "obo_mcp"
        for entry in application.token_cache.search(kind)
    ]
    assert kept == []
    assert len(asked) == 30
    assert all("offline_access" not in data["scope"] for data in asked)
    gc.collect()
    texts = [o for o in gc.get_objects() if isinstance(o, dict) and "refresh_token" in o]
    assert not any(isinstance(o.get("refresh_token"), str) for o in texts if "access_token" in o)


@pytest.mark.promise("P-03")
async def test_a_hundred_people_at_once_each_get_their_own_token(world, exchange):
    tokens = world.crowd(100)
    callers = [await exchange.caller(token) for token in tokens]
    downstream = await asyncio.gather(
        *(exchange.broker.downstream_token(caller, GRAPH) for caller in callers * 3)
    )
    for caller, token in zip(callers * 3, downstream, strict=True):
        assert whose(token) == caller.principal.oid
    assert len(world.exchanges()) == 100


async def test_an_account_that_was_disabled_is_told_to_sign_in_again(world, exchange):
    token = world.token("lynne")
    world._ask("PATCH", "/_tenant/people/lynne", {"enabled": False})
    try:
        with pytest.raises(AssertionRejected):
            await exchange.token(token)
    finally:
        world._ask("PATCH", "/_tenant/people/lynne", {"enabled": True})


async def test_a_step_up_keeps_its_claims(world, exchange):
    claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    body = {
        "error": "interaction_required",
        "error_description": "AADSTS50076: x",
        "error_codes": [50076],
        "claims": claims,
    }
    world.fault("token", person="adele", status=400, body=body)
    with pytest.raises(InteractionRequired) as caught:
        await exchange.token(world.token("adele"))
    assert caught.value.claims == claims


async def test_a_wrong_secret_is_the_operators_fault_and_says_so_without_it(world):
    exchange = Exchange(world, client_secret="wrong-secret-value")
    with pytest.raises(ClientMisconfigured) as caught:
        await exchange.token(world.token("adele"))
    assert "7000215" in str(caught.value.__cause__)
    assert "wrong-secret-value" not in str(caught.value) + repr(caught.value.__cause__)
    exchange.grant.close()


async def test_a_scope_of_an_unknown_resource_is_the_operators_fault(world, exchange):
    with pytest.raises(ClientMisconfigured):
        await exchange.token(world.token("adele"), Scopes.parse("api://nobody/.default"))


NONSENSE = [
    {"status": 200, "body": {"hello": "world"}},
    {"status": 200, "body": {"access_token": 7, "expires_in": 60}},
    {"status": 200, "body": {"access_token": "", "expires_in": 60}},
    {"status": 200, "body": {"access_token": "x", "expires_in": "soon"}},
    {"status": 200, "body": {"access_token": "x", "expires_in": None}},
    {"status": 400, "body": {}},
    {"status": 502, "body": None, "count": 2},
    {"status": 302, "headers": {"Location": "https://localhost:1/"}, "body": {}},
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_an_answer_that_makes_no_sense_is_an_error_of_ours_and_nobody_elses(
    world, exchange, answer
):
    world.fault("token", person="adele", **answer)
    with pytest.raises((ClientMisconfigured, TokenEndpointUnavailable)):
        await exchange.token(world.token("adele"))
    assert await exchange.token(world.token("megan"))


async def test_after_a_close_exchanges_start_anew(world, exchange):
    exchange.grant.close()
    assert await exchange.token(world.token("adele"))


async def test_a_slow_token_endpoint_times_out_and_others_are_served_meanwhile(world):
    exchange = Exchange(world, token_endpoint_timeout_seconds=1.0)
    await exchange.token(world.token("megan"))
    world.fault("token", person="adele", status=None, delay_seconds=2)
    slow = asyncio.create_task(exchange.token(world.token("adele")))
    await asyncio.wait_for(exchange.token(world.token("alex")), 0.9)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        await slow
    assert "Timeout" in str(caught.value.__cause__)
    exchange.grant.close()
    while len(world.exchanges()) < 3:
        pass  # the tenant still writes the slow one down: not into the next test's log


async def test_an_authority_that_nobody_answers_for_is_unavailable(world):
    known, exchange = Exchange(world), Exchange(world, authority_host="https://localhost:9")
    caller = await known.caller(world.token("adele"))
    known.grant.close()
    outcomes = await asyncio.gather(
        *(exchange.grant.exchange(caller, GRAPH, "") for _ in range(5)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {TokenEndpointUnavailable}
    assert all(outcome.retry_after_seconds for outcome in outcomes)
    exchange.grant.close()


async def test_the_variables_of_the_machine_do_not_replace_the_configured_roots(
    world, monkeypatch, tmp_path
):
    roots = tmp_path / "other.pem"
    import certifi  # noqa: PLC0415 - only here

    roots.write_text(certifi.contents())
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, str(roots))
    exchange = Exchange(world)
    assert await exchange.token(world.token("adele"))
    exchange.grant.close()


async def test_roots_named_by_a_variable_are_enough_where_none_are_configured(world, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", world.ca_path)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    exchange = Exchange(world, ca_bundle=None)
    assert await exchange.token(world.token("adele"))
    exchange.grant.close()


async def test_a_tenant_whose_certificate_is_not_trusted_is_unavailable(world, monkeypatch):
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    trusting, exchange = Exchange(world), Exchange(world, ca_bundle=None)
    caller = await trusting.caller(world.token("adele"))
    with pytest.raises(TokenEndpointUnavailable) as caught:
        await exchange.grant.exchange(caller, GRAPH, "")
    assert str(caught.value.__cause__) == "SSLError"
    for each in (trusting, exchange):
        each.grant.close()


async def test_a_proxy_named_by_the_environment_is_used(world, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    exchange = Exchange(world)
    monkeypatch.setenv("HTTPS_PROXY", "")
    caller = await exchange.caller(world.token("adele"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(TokenEndpointUnavailable) as caught:
        await exchange.grant.exchange(caller, GRAPH, "")
    assert str(caught.value.__cause__) == "ProxyError"
    exchange.grant.close()


async def test_the_correlation_id_reaches_the_token_endpoint(world, exchange):
    await exchange.token(world.token("adele"))
    (entry,) = world.exchanges()
    assert entry["client_request_id"] == "11111111-0000-4000-8000-000000000000"
