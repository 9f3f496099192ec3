"""Calls that are made one at a time, and who shares a failure."""

import threading

import pytest

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.cause import Cause
from obo_mcp.exchange.turns import OneAtATime, alike
from support.turns import waits_its_turn

CLAIMS = '{"access_token":{"acrs":{"value":"c1"}}}'
OLD, NEW = {"client_assertion": "old"}, {"client_assertion": "new"}


def met_by_the_one_who_waits(*, first, second):
    """What comes of a call that waited while one of `first` failed."""
    turns, arrived, go, came = OneAtATime(), threading.Event(), threading.Event(), []

    def fails():
        arrived.set()
        assert go.wait(10)
        raise ClientMisconfigured(claims=CLAIMS) from Cause("refused")

    def run(call, of):
        try:
            came.append(turns.run(call, of=of))
        except ClientMisconfigured as error:
            came.append(error)

    one = threading.Thread(target=run, args=(fails, first))
    other = threading.Thread(target=run, args=(lambda: "made", second))
    one.start()
    assert arrived.wait(10)
    other.start()
    while not waits_its_turn(other):
        pass
    go.set()
    one.join(10)
    other.join(10)
    return came


def test_who_waited_with_the_same_credential_shares_the_failure_but_not_its_claims():
    met, shared = met_by_the_one_who_waits(first=OLD, second=OLD)
    assert met.claims == CLAIMS
    assert isinstance(shared, ClientMisconfigured)
    assert shared.claims == ""
    assert shared is not met
    assert shared.__cause__ is met.__cause__


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (OLD, dict(OLD)), (None, None)])
def test_who_waited_with_another_credential_makes_the_call(first, second):
    assert met_by_the_one_who_waits(first=first, second=second)[1] == "made"


def test_an_alike_has_neither_frames_nor_claims_and_the_seconds_that_are_left():
    with pytest.raises(TokenEndpointUnavailable) as caught:
        raise TokenEndpointUnavailable(retry_after_seconds=60, claims=CLAIMS) from Cause("HTTP 503")
    met = caught.value
    twin = alike(met, retry_after_seconds=7)
    assert (str(twin), twin.claims, twin.retry_after_seconds) == (str(met), "", 7)
    assert alike(met).retry_after_seconds == 60
    assert twin.__traceback__ is None
    assert twin.__cause__ is met.__cause__
