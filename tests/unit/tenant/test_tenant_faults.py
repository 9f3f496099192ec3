"""Faults by chance: many at one place, each with its share, seeded; and cheap delays."""

import asyncio
from collections import Counter

import pytest

from obo_tenant.faults import Fault, Faults

MIX = {429: {"Retry-After": "1"}, 500: {}, 400: {"Retry-After": "1"}}


def set_fault(world, **fault):
    world.switch("PUT", "/faults", {"where": "token"} | fault)


def set_mix(world, count=1_000_000, **more):
    for status, headers in MIX.items():
        fault = {"status": status, "headers": headers, "probability": 0.05, "count": count}
        set_fault(world, name=str(status), **fault, **more)


def strikes(faults, requests, where="token", oid=None):
    """The statuses of that many requests; None where nothing struck."""

    async def run():
        answers = [await faults.strike(where, oid) for _ in range(requests)]
        return [each.response.status_code if each.response else None for each in answers]

    return asyncio.run(run())


def mixed(clock, count=1_000_000, **more):
    faults = Faults(clock.now)
    for status in MIX:
        fault = {"where": "token", "status": status, "name": str(status), "count": count}
        faults.add(Fault(**fault, probability=0.05, **more))
    return faults


# --- shares --------------------------------------------------------------------------------------


def test_each_fault_of_a_mix_strikes_its_own_share(clock):
    found = Counter(strikes(mixed(clock), 20_000))
    assert found.keys() == {None, *MIX}
    for status in MIX:
        assert 900 <= found[status] <= 1100


def test_shares_that_add_up_to_everything_leave_no_answer(clock):
    faults = Faults(clock.now)
    for number in range(20):
        fault = {"where": "token", "status": 500 + number, "name": str(number), "count": 9_999}
        faults.add(Fault(**fault, probability=0.05))
    found = Counter(strikes(faults, 2_000))
    assert found.keys() == set(range(500, 520))


def test_the_same_seed_strikes_the_same_requests(clock):
    faults = mixed(clock)
    first = strikes(faults, 500)
    faults.seed(7)
    second = strikes(faults, 500)
    faults.seed(7)
    assert strikes(faults, 500) == second
    assert first != second
    assert strikes(mixed(clock), 500) == first


def test_taking_faults_back_begins_the_drawing_anew(clock):
    faults = mixed(clock)
    first = strikes(faults, 200)
    faults.clear()
    assert set(strikes(faults, 50)) == {None}
    faults.clear()
    for status in MIX:
        fault = Fault(where="token", status=status, name=str(status), count=999, probability=0.05)
        faults.add(fault)
    assert strikes(faults, 200) == first


def test_a_fault_of_chance_strikes_as_often_as_ordered_and_no_more(clock):
    found = Counter(strikes(mixed(clock, count=3), 2_000))
    assert {status: found[status] for status in MIX} == dict.fromkeys(MIX, 3)


def test_a_fault_of_chance_for_one_person_leaves_the_others_alone(clock):
    faults = Faults(clock.now)
    faults.add(Fault(where="token", oid="a", status=500, probability=0.5, count=10_000))
    assert set(strikes(faults, 100, oid="b")) == {None}
    assert 30 < Counter(strikes(faults, 100, oid="a"))[500] < 70


def test_a_name_replaces_its_earlier_fault_and_no_other(clock):
    faults = mixed(clock)
    faults.add(Fault(where="token", status=503, name="429", probability=0.5, count=10_000))
    found = Counter(strikes(faults, 1_000))
    assert found.keys() == {None, 503, 500, 400}
    assert found[503] > 400


def test_shares_that_add_up_to_more_than_everything_are_refused(own_world):
    set_fault(own_world, status=500, probability=0.6, name="a")
    body = {"where": "token", "status": 503, "probability": 0.5, "name": "b"}
    answer = own_world.http.put("/_tenant/faults", json=body)
    assert (answer.status_code, "probabilities" in answer.json()["error"]) == (400, True)
    assert own_world.http.put("/_tenant/faults", json=body | {"name": "a"}).status_code == 204


# --- beside a certain fault ----------------------------------------------------------------------


def test_a_certain_answer_leaves_nothing_to_chance(clock):
    faults = mixed(clock, count=5)
    faults.add(Fault(where="token", status=503, count=300))
    assert set(strikes(faults, 300)) == {503}
    assert sum(status is not None for status in strikes(faults, 3_000)) == 15


def test_a_delay_for_all_and_a_mix_for_some_go_together(own_world):
    set_fault(own_world, delay_seconds=0.001, count=100_000, headers={"x-slow": "yes"})
    set_mix(own_world, seed=3)
    answers = [own_world.obo() for _ in range(120)]
    assert {answer.headers["x-slow"] for answer in answers} == {"yes"}
    found = Counter(answer.status_code for answer in answers)
    assert found[200] > 80
    assert found.keys() - {200} <= MIX.keys()
    assert len(found) > 1
    for answer in answers:
        waits = answer.status_code in {429, 400}
        assert answer.headers.get("retry-after") == ("1" if waits else None)


def test_the_same_orders_over_the_wire_meet_the_same_faults(own_world):
    rounds = []
    for _ in range(2):
        own_world.switch("DELETE", "/faults")
        set_mix(own_world, seed=11)
        rounds.append([own_world.obo().status_code for _ in range(60)])
    assert rounds[0] == rounds[1]
    assert set(rounds[0]) != {200}


def test_a_hundred_thousand_answers_can_be_disturbed(clock):
    faults = Faults(clock.now)
    faults.add(Fault(where="token", headers={"x-n": "1"}, count=100_000))

    async def run():
        found = [await faults.strike("token", None) for _ in range(100_001)]
        return [bool(each.headers) for each in found]

    found = asyncio.run(run())
    assert found.count(True) == 100_000
    assert not found[-1]


def test_a_certain_fault_replaces_the_certain_one_only(clock):
    faults = mixed(clock, count=1)
    faults.add(Fault(where="token", status=502, count=10))
    faults.add(Fault(where="token", status=503, count=2))
    assert strikes(faults, 2) == [503, 503]
    assert sum(status is not None for status in strikes(faults, 2_000)) == 3


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"probability": -0.1}, "probability"),
        ({"probability": 1.1}, "probability"),
        ({"probability": "often"}, "probability"),
        ({"seed": -1}, "seed"),
        ({"name": 5}, "name"),
    ],
)
def test_a_wrong_order_is_refused_and_sets_nothing(own_world, fault, word):
    answer = own_world.http.put("/_tenant/faults", json={"where": "token", "status": 500} | fault)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert own_world.obo().status_code == 200
