"""The token source: for clients that answer claims challenges."""

import base64
import json

import pytest

from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import ConsentRequired, InteractionRequired, TokenEndpointThrottled
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.cause import Refusal
from obo_mcp.exchange.claims import ANSWERS_CHALLENGES
from obo_mcp.exchange.source import TokenSource
from support.exchanges import MAIL, TokenEndpoint, a_caller, refused, throttled
from support.tokens import CLIENT

STEP_UP = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def challenge(claims='{"access_token":{"nbf":{"essential":true,"value":"17"}}}'):
    text = base64.b64encode(claims.encode()).decode()
    return f'Bearer realm="", error="insufficient_claims", claims="{text}"'


@pytest.fixture
def endpoint(clock):
    return TokenEndpoint(clock)


@pytest.fixture
def broker(endpoint, clock):
    return TokenBroker(endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id=CLIENT)


@pytest.fixture
def source(broker):
    return TokenSource(broker, a_caller(), MAIL)


def asked(endpoint):
    return [json.loads(asked.claims or "{}").get("access_token", {}) for asked in endpoint.asked]


async def test_only_the_source_declares_that_it_answers_challenges(source, broker, endpoint):
    await source.token()
    await broker.downstream_token(a_caller(), MAIL)
    assert [a.claims for a in endpoint.asked] == [ANSWERS_CHALLENGES, ""]
    assert asked(endpoint)[0] == {"xms_cc": {"values": ["cp1"]}}


async def test_a_token_is_text_for_every_use_but_its_repr(source):
    token = await source.token()
    assert isinstance(token, str)
    assert f"Bearer {token}".startswith("Bearer token 1 of adele")
    assert "adele" not in repr(token)


async def test_a_challenge_brings_another_token_which_then_serves_everybody(source, endpoint):
    old = await source.token()
    new = await source.renewed(old, challenge())
    assert new.startswith("token 2 ")
    assert await source.token() == new
    assert asked(endpoint)[1] == {
        "xms_cc": {"values": ["cp1"]},
        "nbf": {"essential": True, "value": "17"},
    }


async def test_who_still_holds_the_old_token_gets_the_new_one_without_an_exchange(source, endpoint):
    old = await source.token()
    new = await source.renewed(old, challenge())
    assert await source.renewed(old, challenge()) == new
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("header", ["", "Bearer", 'Bearer error="invalid_token"'])
async def test_another_refusal_of_the_resource_is_left_to_its_client(source, endpoint, header):
    assert await source.renewed(await source.token(), header) is None
    assert len(endpoint.asked) == 1


async def test_claims_that_the_authority_answers_a_renewal_with_go_up_word_for_word(
    source, endpoint
):
    old = await source.token()
    endpoint.answers += [refused(50076, "interaction_required", claims=STEP_UP)]
    with pytest.raises(InteractionRequired) as caught:
        await source.renewed(old, challenge())
    assert caught.value.claims == STEP_UP
    assert isinstance(caught.value.__cause__, Refusal)


def test_the_second_challenge_in_a_row_is_a_step_up_with_the_resources_claims(source):
    error = source.step_up(challenge(STEP_UP))
    assert type(error) is InteractionRequired
    assert error.claims == STEP_UP


def test_a_second_refusal_without_a_challenge_carries_no_claims(source):
    assert source.step_up("Bearer").claims == ""


async def test_every_failure_is_shown_in_the_form_that_the_reader_understands(broker, endpoint):
    class Shown(ConsentRequired):
        """As an adapter would make it."""

    source = TokenSource(broker, a_caller(), MAIL, shown=lambda error: Shown(str(error)))
    for give in (source.token, lambda: source.renewed("x", challenge())):
        endpoint.answers += [refused(65001)]
        with pytest.raises(Shown) as caught:
            await give()
        assert caught.value.__cause__.codes == (65001,)
    assert type(source.step_up(challenge())) is Shown


async def test_sources_of_two_people_share_nothing(source, broker, endpoint):
    megans = TokenSource(broker, a_caller("megan"), MAIL)
    endpoint.answers += [throttled(30)]
    with pytest.raises(TokenEndpointThrottled):
        await source.token()
    assert " of megan " in await megans.token()
