import anyio
import anyio.lowlevel
import httpx
import pytest

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer
from obo_graph.wire.gate import MailboxGate
from obo_graph.wire.retry import Patience, RetryRules
from unit.graph_server.world import ManualClock, error, principal, throttled

GOOD = Answer(200, {}, b"{}")


def answer(status, **headers):
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def attempts(*outcomes):
    left = list(outcomes)

    async def attempt():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    attempt.left = left
    return attempt


def unreachable():
    return GraphFailure(NO_ANSWER, "unreachable")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def patience(clock):
    return Patience(RetryRules(), clock, clock.sleep)


@pytest.mark.parametrize("again", ["always", "throttled"])
async def test_throttling_is_waited_out_for_any_method(patience, clock, again):
    attempt = attempts(answer(429, retry_after="7"), GOOD)
    assert await patience.run(again, attempt) is GOOD
    assert clock.waits == [7]


@pytest.mark.parametrize("first", [answer(429, retry_after="1"), answer(503), unreachable()])
async def test_what_must_not_happen_twice_is_not_even_sent_again_after_throttling(
    patience, clock, first
):
    with pytest.raises(GraphFailure):
        await patience.run("never", attempts(first, GOOD))
    assert clock.waits == []


@pytest.mark.parametrize("first", [answer(503), answer(504), unreachable()])
async def test_a_passing_failure_is_tried_again_for_get(patience, clock, first):
    assert await patience.run("always", attempts(first, GOOD)) is GOOD
    assert clock.waits == [0.5]


@pytest.mark.parametrize("first", [answer(503), answer(504), unreachable()])
async def test_a_passing_failure_is_final_for_post(patience, clock, first):
    attempt = attempts(first, GOOD)
    with pytest.raises(GraphFailure):
        await patience.run("throttled", attempt)
    assert attempt.left == [GOOD]
    assert clock.waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 423, 500, 501, 502, 507, 509])
async def test_other_failures_are_final(patience, clock, status):
    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempts(answer(status), GOOD))
    assert failed.value.retry_after_seconds is None
    assert clock.waits == []


async def test_waits_double_when_graph_names_none(patience, clock):
    failing = [answer(503) for _ in range(9)]
    with pytest.raises(GraphFailure):
        await patience.run("always", attempts(*failing))
    assert clock.waits == [0.5, 1, 2, 4, 8]


async def test_one_long_wait_is_left_to_the_model(patience, clock):
    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempts(answer(429, retry_after="11"), GOOD))
    assert failed.value.retry_after_seconds == 11
    assert clock.waits == []


async def test_all_waits_of_a_call_together_stay_below_twenty_seconds(patience, clock):
    slow = [answer(429, retry_after="9") for _ in range(5)]
    assert await patience.run("always", attempts(slow[0], GOOD)) is GOOD
    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempts(*slow))
    assert clock.waits == [9, 9]
    assert failed.value.retry_after_seconds == 9


async def test_a_date_says_how_long_to_wait_too(patience, clock):
    clock.seconds = 1_795_000_000.0
    date = "Wed, 18 Nov 2026 11:06:44 GMT"
    assert await patience.run("always", attempts(answer(429, retry_after=date), GOOD)) is GOOD
    assert clock.waits == [4]


@pytest.mark.parametrize("nonsense", ["soon", "-5", "²", "9" * 400, "Mon, 99 Foo 2026"])
async def test_a_senseless_retry_after_does_no_harm(patience, clock, nonsense):
    attempt = attempts(answer(429, retry_after=nonsense), GOOD)
    if nonsense.startswith("9"):
        with pytest.raises(GraphFailure):
            await patience.run("always", attempt)
    else:
        assert await patience.run("always", attempt) is GOOD
        assert clock.waits == [0.5]


async def test_no_attempt_begins_after_the_call_has_had_its_time(patience, clock):
    clock.seconds += 61

    async def attempt():
        await anyio.lowlevel.checkpoint()
        return GOOD

    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempt)
    assert failed.value.code == "deadline"


async def test_a_slow_attempt_is_broken_off_at_the_deadline():
    clock = ManualClock()
    patience = Patience(RetryRules(call_seconds=0.02), clock, clock.sleep)

    async def attempt():
        await anyio.Event().wait()

    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempt)
    assert failed.value.code == "deadline"


async def test_no_wait_reaches_beyond_the_deadline(clock):
    patience = Patience(RetryRules(call_seconds=5), clock, clock.sleep)
    with pytest.raises(GraphFailure):
        await patience.run("always", attempts(answer(429, retry_after="5"), GOOD))
    assert clock.waits == []


async def test_the_model_is_told_when_to_come_back(world):
    world.network.on("/v1.0/me/messages", throttled("120"))
    refused = await world.refused("mail_search")
    assert (refused["error"], refused["retry_after_s"]) == ("throttled", 120)
    assert world.network.paths().count("/v1.0/me/messages") == 1


async def test_a_connection_that_breaks_is_tried_again(world):
    world.network.on("/v1.0/me/messages", httpx.ReadError("reset"), {"value": []})
    assert (await world.told("mail_search"))["items"] == []


async def test_a_server_error_is_told_at_once(world):
    world.network.on("/v1.0/me/messages", error(500, "UnknownError"))
    assert (await world.refused("mail_search"))["error"] == "failed"
    assert world.clock.waits == []


async def test_a_mailbox_never_sees_more_than_four_requests_at_once(world):
    now, most = {}, {}

    async def counted(request):
        who = request.headers["authorization"]
        now[who] = now.get(who, 0) + 1
        most[who] = max(most.get(who, 0), now[who])
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        now[who] -= 1
        return httpx.Response(200, json={})

    world.network.on("/v1.0/me", counted)
    async with (
        world.graph.transport.open(world.new_http()),
        anyio.create_task_group() as tasks,
    ):
        for name in ("adele", "megan"):
            for _ in range(12):
                tasks.start_soon((await world.person(name)).get, "/me")
    assert most == {"Bearer token-of-adele": 4, "Bearer token-of-megan": 4}
    assert len(world.graph.gate) == 0


async def test_a_full_lane_holds_up_nobody_else():
    gate = MailboxGate(width=1)
    async with gate.slot(("t", "adele")):
        with anyio.fail_after(1):
            async with gate.slot(("t", "megan")):
                assert len(gate) == 2
    assert len(gate) == 0


async def test_a_request_that_waits_out_throttling_holds_no_place(world):
    free = []

    async def sleep(seconds):
        await world.clock.sleep(seconds)
        free.append(len(world.graph.gate))

    patient = type(world.graph)(
        transport=world.graph.transport,
        clock=world.clock,
        correlation_id=lambda: "",
        gate=world.graph.gate,
        sleep=sleep,
    )
    world.network.on("/v1.0/me", throttled(), {})
    async with world.graph.transport.open(world.new_http()):
        person = await patient.as_person(world.obo.source("adele"), principal("adele"))
        await person.get("/me")
    assert free == [0]


@pytest.mark.parametrize("past", ["0", "000", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_a_retry_after_that_is_over_makes_no_hot_loop(patience, clock, past):
    attempt = attempts(*(answer(429, retry_after=past) for _ in range(9)))
    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempt)
    assert clock.waits == [0.5, 1, 2, 4, 8]
    assert len(attempt.left) == 3
    assert failed.value.retry_after_seconds == 1


@pytest.mark.parametrize("far", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_nobody_is_told_to_wait_for_more_than_a_day(patience, far):
    with pytest.raises(GraphFailure) as failed:
        await patience.run("always", attempts(answer(429, retry_after=far), GOOD))
    assert failed.value.retry_after_seconds == 86_400
