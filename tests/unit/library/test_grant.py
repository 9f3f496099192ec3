"""One exchange through MSAL: strange answers, unknown tenants, a credential that was replaced."""

import pytest

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.credential import ClientSecret
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.clock import ManualClock
from support.exchanges import MAIL, a_caller
from support.linked import held, linked
from support.tokens import CLIENT, NOW, TENANT
from support.wire import AUTHORITY, Wire

OUR_SECRET = "hunter2-hunter2"
REFUSED = 401, {"error": "invalid_client", "error_codes": [7000215]}


class Replaced:
    """A credential that becomes another one when it is refused, as often as there is a next."""

    told = 0

    def __init__(self, *values):
        self._values = list(values)

    def current(self, _tenant):
        if isinstance(self._values[0], Exception):
            raise self._values[0]
        return self._values[0]

    def refused(self):
        self.told += 1
        self._values[1:] and self._values.pop(0)

    def close(self):
        """Nothing is open."""


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def granted(wire):
    settings = Settings(
        tenant_id=TENANT,
        client_id=CLIENT,
        resource_url="https://mcp.example/mcp",
        required_scope="mcp.access",
        authority_host=AUTHORITY,
    )
    made = []

    def exchange(credential=None):
        transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
        ours = credential or ClientSecret(Secret(OUR_SECRET))
        grant = OnBehalfOfGrant(settings, ours, wire.at(transport), ManualClock(float(NOW)))
        made.append(grant)
        return grant.exchange(a_caller(), MAIL, "")

    yield exchange
    for grant in made:
        grant.close()


async def failure(exchange, kind):
    with pytest.raises(kind) as caught:
        await exchange
    return caught.value


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), "soon", [1], -5])
async def test_a_lifetime_that_is_none_is_an_answer_that_was_not_understood(wire, granted, seconds):
    wire.answers = [(200, {"access_token": "t", "expires_in": seconds})]
    error = await failure(granted(), TokenEndpointUnavailable)
    assert "not understood" in str(cause_of(error))


async def test_metadata_that_lies_elsewhere_are_told_by_kind_and_not_by_text(wire, granted):
    wire._discovery = lambda url: (302, {"said": "text of the authority"})
    error = await failure(granted(), ClientMisconfigured)
    assert str(cause_of(error)) == "the authority's answer was not understood (RuntimeError)"
    assert cause_of(error).concerns_all


async def test_a_tenant_that_the_authority_does_not_know_comes_with_its_number_and_cure(
    wire, granted
):
    wire.tenants_found = False
    error = await failure(granted(), ClientMisconfigured)
    cause = cause_of(error)
    assert cause.codes == (90002,)
    assert "OBO_MCP_AUTHORITY_HOST" in cause.cure
    assert cause.concerns_all


async def test_metadata_are_never_refused_in_a_persons_name(wire, granted):
    refusal = {"error": "invalid_grant", "error_codes": [50173], "claims": '{"a":1}'}
    wire._discovery = lambda url: (400, refusal)
    error = await failure(granted(), ClientMisconfigured)
    assert error.claims == ""
    assert cause_of(error).codes == (50173,)


async def test_a_credential_that_was_replaced_while_it_was_in_use_fails_nobody(wire, granted):
    wire.answers = [REFUSED]
    token = await granted(Replaced("former-one", OUR_SECRET))
    assert token.token == Secret("granted")
    assert [form["client_secret"] for form in wire.forms] == ["former-one", OUR_SECRET]


async def test_a_refused_credential_is_tried_once_more_and_not_a_third_time(wire, granted):
    wire.answers = [REFUSED] * 3
    await failure(granted(Replaced("first", "second", "third")), ClientMisconfigured)
    assert len(wire.forms) == 2


async def test_a_refused_credential_without_a_newer_one_is_sent_once(wire, granted):
    wire.answers = [REFUSED] * 2
    credential = Replaced(OUR_SECRET)
    await failure(granted(credential), ClientMisconfigured)
    assert len(wire.forms) == credential.told == 1


NEXT = [ClientMisconfigured(), TokenEndpointUnavailable()]


@pytest.mark.parametrize("then", [None, *NEXT])
async def test_the_first_refusal_does_not_hang_on_what_comes_of_the_next_credential(
    wire, granted, then
):
    wire.answers = [REFUSED]
    values = [OUR_SECRET] if then is None else [OUR_SECRET, then]
    expected = (ClientMisconfigured, TokenEndpointUnavailable)
    error = await failure(granted(Replaced(*values)), expected)
    assert [each.__context__ for each in linked(error)] == [None] * len(linked(error))
    assert OUR_SECRET not in held(error)
    assert "assertion of adele" not in held(error)
