"""Four replicas share what one of them exchanged: processes, a real Redis, and a crowd."""

import pytest

from chaos.effort import PEOPLE, ROUNDS, say
from chaos.fleet import exchanges
from chaos.monitor import gets, races

AT_ONCE = 8


async def one_call_after_another(calls, crowd):
    await calls.of(crowd, ROUNDS)


async def everywhere_at_once(calls, crowd):
    for start in range(0, len(crowd), AT_ONCE):
        await calls.all_at_once(crowd[start : start + AT_ONCE])


@pytest.mark.parametrize(
    ("load", "most_races"),
    [(one_call_after_another, PEOPLE // 2), (everywhere_at_once, 3 * PEOPLE)],
    ids=["one call after another", "everywhere at once"],
)
async def test_four_replicas_exchange_once_for_each_person_and_once_more_for_each_race(
    house, patient, load, most_races
):
    crowd, calls = house.people(PEOPLE), house.calls(patient)
    with house.redis.monitored() as lines:
        await load(calls, crowd)
    done, raced = exchanges(house.world), races(lines)
    total = sum(done.values())
    say(
        f"{load.__name__}: {calls.begun} calls of {PEOPLE} people at {len(patient)} replicas: "
        f"{total} exchanges, {raced} races"
    )
    assert not calls.failures
    assert len(done) == PEOPLE
    assert total <= PEOPLE + raced
    assert raced <= most_races
    assert max(done.values()) <= len(patient)


async def test_each_replica_asks_redis_once_for_each_person_and_then_knows(house, patient):
    crowd, calls = house.people(PEOPLE), house.calls(patient)
    with house.redis.monitored() as lines:
        await calls.of(crowd, ROUNDS)
    asked = gets(lines)
    assert not calls.failures
    assert len(asked) == PEOPLE
    assert set(asked.values()) == {len(patient)}
