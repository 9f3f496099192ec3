"""Single flight: one call, many who wait."""

import asyncio
import traceback

import pytest

from obo_mcp.exchange.flight import SingleFlight


class Call:
    """Counts how often it runs, and ends when the test says so."""

    def __init__(self, error=None):
        self.runs = 0
        self.end = asyncio.Event()
        self.error = error

    async def __call__(self):
        self.runs += 1
        await self.end.wait()
        if self.error:
            raise self.error
        return f"result {self.runs}"


async def started(flights, call, number, key="k"):
    tasks = [asyncio.create_task(flights.run(key, call)) for _ in range(number)]
    while not call.runs:
        await asyncio.sleep(0)
    return tasks


@pytest.mark.promise("P-05")
async def test_a_thousand_at_once_make_one_call():
    flights, call = SingleFlight(), Call()
    tasks = await started(flights, call, 1000)
    call.end.set()
    assert set(await asyncio.gather(*tasks)) == {"result 1"}
    assert call.runs == 1


async def test_different_keys_fly_separately():
    flights, call = SingleFlight(), Call()
    tasks = [asyncio.create_task(flights.run(key, call)) for key in "abc"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.end.set()
    await asyncio.gather(*tasks)
    assert call.runs == 3


@pytest.mark.promise("P-05")
async def test_whoever_came_first_may_leave_without_failing_the_others():
    flights, call = SingleFlight(), Call()
    tasks = await started(flights, call, 5)
    tasks[0].cancel()
    await asyncio.sleep(0)
    call.end.set()
    assert await asyncio.gather(*tasks[1:]) == ["result 1"] * 4


async def test_a_call_whose_waiters_all_left_still_ends_and_leaves_nothing_behind():
    flights, call = SingleFlight(), Call(ValueError("nobody hears this"))
    tasks = await started(flights, call, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(flights) == 1
    call.end.set()
    while len(flights):
        await asyncio.sleep(0)


async def test_a_call_that_is_ended_from_outside_ends_for_everybody():
    flights, call = SingleFlight(), Call()
    tasks = await started(flights, call, 2)
    flights._flights["k"].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    assert len(flights) == 0


async def test_a_call_may_be_started_for_whoever_comes_later():
    flights, call = SingleFlight(), Call()
    flight = flights.start("k", call)
    assert flights.start("k", call) is flight
    assert "k" in flights
    assert "other" not in flights
    waiting = asyncio.create_task(flights.run("k", call))
    call.end.set()
    assert await waiting == "result 1"
    assert "k" not in flights


async def test_a_started_call_that_fails_troubles_nobody():
    flights, call = SingleFlight(), Call(ValueError("nobody hears this"))
    call.end.set()
    flights.start("k", call)
    while len(flights):
        await asyncio.sleep(0)
    call.error = None
    assert await flights.run("k", call) == "result 2"


async def test_a_call_that_fails_before_its_first_wait_fails_like_any_other():
    def refuses():
        raise ValueError("at once")

    flights = SingleFlight()
    with pytest.raises(ValueError, match="at once"):
        await flights.run("k", refuses)
    assert len(flights) == 0


async def test_a_failure_keeps_its_cause_for_each_who_waited():
    error = ValueError("no")
    error.__cause__ = KeyError("why")
    flights, call = SingleFlight(), Call(error)
    tasks = await started(flights, call, 3)
    call.end.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(outcome.__cause__) for outcome in outcomes] == ["'why'"] * 3


async def test_a_failure_reaches_everybody_and_is_not_remembered():
    flights, call = SingleFlight(), Call(ValueError("no"))
    tasks = await started(flights, call, 50)
    call.end.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ValueError}
    frames = list(traceback.walk_tb(call.error.__traceback__))
    assert not [frame for frame, _ in frames if "__call__" in frame.f_code.co_name]
    call.error = None
    assert await flights.run("k", call) == "result 2"
