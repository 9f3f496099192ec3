"""Client assertions that others sign: from a file that is renewed, or a developer's function."""

import functools
import logging

import msal
import pytest

from obo_mcp.errors import ClientMisconfigured, ConfigurationError, TokenEndpointUnavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.federated import Asserted, FederatedTokenFile, given
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.clock import ManualClock
from support.tokens import CLIENT, NOW, TENANT
from support.wire import AUTHORITY, Wire, unsigned

FRESH = unsigned(exp=NOW + 3600, sub="system:serviceaccount:mcp:mcp")


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


@pytest.fixture
def clock():
    return ManualClock(float(NOW))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "azure-identity-token"
    path.write_text(f"{FRESH}\n")
    return path


def exchanged(credential):
    """The form of one exchange with this credential."""
    wire = Wire()
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    application = Applications(
        CLIENT,
        credential.current,
        authority_host=AUTHORITY,
        transport=wire.at(transport),
        token_cache=msal.TokenCache,
    ).of(TENANT)
    application.acquire_token_on_behalf_of("of adele", ["api://x/.default"])
    return wire.forms[-1]


def test_the_file_is_read_for_each_request(path, clock):
    credential = Asserted(FederatedTokenFile(path, clock).assertion)
    first = credential.current(TENANT)
    assert exchanged(credential)["client_assertion"] == FRESH
    renewed = unsigned(exp=NOW + 7200)
    path.write_text(renewed)
    assert exchanged(credential)["client_assertion"] == renewed
    assert credential.current(TENANT) is first
    credential.refused()
    credential.close()


FAULTS = {
    "empty": (b"", "cannot be read, or is empty"),
    "blank": (b" \n", "cannot be read, or is empty"),
    "no jwt": (b"hello", "does not hold a JWT"),
    "two parts": (b"e30.e30", "does not hold a JWT"),
    "no objects": (b"W10.W10.x", "does not hold a JWT"),
    "not base64": ("é.ü.ö".encode(), "does not hold a JWT"),
    "deep": (b"e30." + b"W1tb" * 9000 + b".eA", "does not hold a JWT"),
    "expired": (unsigned(exp=NOW).encode(), "has expired: nobody renews it"),
    "expired by fractions": (unsigned(exp=NOW - 0.5).encode(), "has expired"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_without_a_valid_token_is_refused_at_start(tmp_path, clock, fault):
    octets, words = FAULTS[fault]
    path = tmp_path / "token"
    path.write_bytes(octets)
    with pytest.raises(ConfigurationError, match=words) as caught:
        FederatedTokenFile(path, clock)
    assert str(caught.value).startswith("OBO_MCP_FEDERATED_TOKEN_FILE: ")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("expiry", [{}, {"exp": "soon"}, {"exp": NOW + 1}, {"exp": None}])
def test_the_authority_judges_a_token_that_has_not_plainly_expired(path, clock, expiry):
    path.write_text(unsigned(**expiry))
    FederatedTokenFile(path, clock)


@pytest.mark.parametrize("fault", [*FAULTS, "gone"])
def test_a_file_that_goes_bad_later_is_told_with_the_cure(path, clock, events, fault):
    file = FederatedTokenFile(path, clock)
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(FAULTS[fault][0])
    with pytest.raises(ClientMisconfigured) as caught:
        exchanged(Asserted(file.assertion))
    cause = cause_of(caught.value)
    assert str(cause).startswith("OBO_MCP_FEDERATED_TOKEN_FILE: ")
    assert "service account" in cause.cure
    (told,) = events()
    assert told["outcome"] == "unusable"


def test_a_token_that_nobody_renews_is_told_when_it_expires(path, clock):
    file = FederatedTokenFile(path, clock)
    clock.advance(3600)
    with pytest.raises(ClientMisconfigured):
        file.assertion({})


# --- a function of the developer's ----------------------------------------------------------------


class Signer:
    def __call__(self, context):
        return f"for {context['client_id']} at {context['token_endpoint']}"


class AsyncSigner:
    async def __call__(self):
        return "assertion"


async def later():
    return "assertion"


WITH_CONTEXT = f"for {CLIENT} at {AUTHORITY}/{TENANT}/oauth2/v2.0/token_endpoint"


@pytest.mark.parametrize(
    ("function", "sent"),
    [
        (lambda: "assertion", "assertion"),
        (lambda prefix="an": f"{prefix} assertion", "an assertion"),
        (functools.partial(str.format, "{}", "partial"), "partial"),
        (Signer(), WITH_CONTEXT),
        (Signer().__call__, WITH_CONTEXT),
    ],
)
def test_what_a_function_returns_is_our_client_assertion(function, sent):
    credential = given(function)
    assert exchanged(credential)["client_assertion"] == sent
    assert credential.current(TENANT) is credential.current(TENANT)


@pytest.mark.parametrize("function", [later, AsyncSigner()])
def test_an_asynchronous_function_is_refused_at_start(function):
    with pytest.raises(ConfigurationError, match="plain function"):
        given(function)


def fails():
    raise RuntimeError("the secret is hunter2")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: None, "returned no text"),
        (lambda: "", "returned no text"),
        (lambda: b"octets", "returned no text"),
        (fails, "raised RuntimeError"),
    ],
)
def test_a_function_that_gives_nothing_is_the_operators_to_mend(events, function, words):
    with pytest.raises(ClientMisconfigured) as caught:
        exchanged(given(function))
    assert words in str(cause_of(caught.value))
    (told,) = events()
    assert "hunter2" not in str(told) + str(cause_of(caught.value))


def test_a_failure_of_ours_that_a_function_raises_passes_as_it_is():
    def waits():
        raise TokenEndpointUnavailable(retry_after_seconds=7)

    with pytest.raises(TokenEndpointUnavailable) as caught:
        exchanged(given(waits))
    assert caught.value.retry_after_seconds == 7


def test_an_interrupt_passes_as_it_is():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exchanged(given(interrupted))
