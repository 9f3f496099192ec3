import json

import httpx
import pytest

from obo_graph.errors import GraphFailure
from obo_graph.wire.batch import BatchStep
from obo_mcp import InteractionRequired
from unit.graph_server.world import challenged

BATCH = "/v1.0/$batch"
STEPS = [BatchStep(method="PATCH", path=f"/me/messages/{n}", body={"n": n}) for n in range(3)]


class Mailbox:
    """Answers batches: `outcomes[path]` are the statuses that a step meets, one after another."""

    def __init__(self, world, **outcomes):
        self.outcomes = {f"/me/messages/{key[1:]}": list(found) for key, found in outcomes.items()}
        self.done, self.batches = [], []
        world.network.on(BATCH, self.answer, method="POST")

    def answer(self, request):
        requests = json.loads(request.content)["requests"]
        self.batches.append(requests)
        failed, responses = set(), []
        for step in requests:
            if failed.intersection(step.get("dependsOn", ())):
                status = 424
            else:
                left = self.outcomes.get(step["url"], [])
                status = left.pop(0) if left else 200
            if status >= 400:
                failed.add(step["id"])
            else:
                self.done.append(step["url"])
            responses.append(
                {"id": step["id"], "status": status, "headers": {"Retry-After": "3"}, "body": {}}
            )
        return httpx.Response(200, json={"responses": responses[::-1]})


async def batch(world, *arguments, **options):
    async with world.acting() as graph:
        return await graph.batch(*arguments, **options)


async def test_answers_come_back_in_the_order_of_the_steps(world):
    Mailbox(world, m1=[404])
    assert [one.status for one in await batch(world, STEPS)] == [200, 404, 200]


async def test_steps_in_turn_depend_on_the_one_before(world):
    box = Mailbox(world)
    await batch(world, STEPS, in_turn=True)
    assert [step.get("dependsOn") for step in box.batches[0]] == [None, ["0"], ["1"]]


async def test_a_step_that_fails_does_not_keep_the_next_from_being_done(world):
    box = Mailbox(world, m0=[404])
    answers = await batch(world, STEPS, in_turn=True)
    assert [one.status for one in answers] == [404, 200, 200]
    assert box.done == ["/me/messages/1", "/me/messages/2"]


async def test_a_throttled_step_is_waited_for_and_alone_sent_again(world):
    box = Mailbox(world, m1=[429])
    assert [one.status for one in await batch(world, STEPS)] == [200, 200, 200]
    assert [len(batch) for batch in box.batches] == [3, 1]
    assert world.clock.waits == [3]
    assert sorted(box.done) == ["/me/messages/0", "/me/messages/1", "/me/messages/2"]


async def test_throttling_without_end_is_told_beside_what_was_done(world):
    Mailbox(world, m1=[429] * 20)
    answers = await batch(world, STEPS)
    assert [one.status for one in answers] == [200, 429, 200]


async def test_a_batch_that_was_lost_on_its_way_is_not_sent_again(world):
    world.network.on(BATCH, httpx.Response(504), method="POST")
    with pytest.raises(GraphFailure) as failed:
        await batch(world, STEPS)
    assert failed.value.ambiguous
    assert len(world.network.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"responses": []},
        {"responses": "none"},
        {"responses": [{"id": "7", "status": 200}]},
        {"responses": [{"id": "x", "status": 200}]},
        {"responses": [{"status": 200}]},
        {"responses": [{"id": "0", "status": "odd"}]},
        {"responses": [{"id": "0", "status": 200, "headers": ["x"]}]},
        {"responses": [{"id": "0", "status": 200}, {"id": "0", "status": 500}]},
        {"responses": ["x"]},
        {"responses": 7},
    ],
)
async def test_an_answer_that_makes_no_sense_is_none(world, answer):
    world.network.on(BATCH, answer, method="POST")
    with pytest.raises(GraphFailure, match="unexpected"):
        await batch(world, STEPS[:1])


async def test_a_dependency_that_failed_for_no_reason_does_not_go_round_for_ever(world):
    answer = {"responses": [{"id": "0", "status": 424}]}
    world.network.on(BATCH, answer, method="POST")
    with pytest.raises(GraphFailure, match="unexpected"):
        await batch(world, STEPS[:1])


async def test_more_steps_than_graph_takes_are_a_mistake_of_ours(world):
    with pytest.raises(ValueError, match="20"):
        await batch(world, STEPS * 7)


class Challenging:
    """Answers the steps of a batch by token: `first` those with the first one, 200 the others."""

    def __init__(self, world, first=(401, 401, 401), again=200):
        self.first, self.again, self.sent = first, again, []
        self.challenge = challenged().headers["www-authenticate"]
        world.network.on(BATCH, self.answer, method="POST")

    def answer(self, request):
        requests = json.loads(request.content)["requests"]
        fresh = request.headers["authorization"].endswith("-2")
        self.sent.append([int(step["id"]) for step in requests])
        return {"responses": [self.one(int(step["id"]), fresh) for step in requests]}

    def one(self, number, fresh):
        status = self.again if fresh else self.first[number]
        headers = {"WWW-Authenticate": self.challenge} if status == 401 else {}
        return {"id": str(number), "status": status, "headers": headers, "body": {}}


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("first", [(401, 401, 401), (401, 424, 424), (200, 401, 401)])
async def test_steps_that_are_challenged_are_sent_again_with_a_new_token(world, first, in_turn):
    graph = Challenging(world, first)
    assert [one.status for one in await batch(world, STEPS, in_turn=in_turn)] == [200, 200, 200]
    assert graph.sent == [[0, 1, 2], [number for number in range(3) if first[number] != 200]]
    assert len(world.obo.endpoint.asked) == 2


async def test_a_second_challenge_inside_of_a_batch_goes_to_the_person(world):
    graph = Challenging(world, again=401)
    with pytest.raises(InteractionRequired) as wanted:
        await batch(world, STEPS)
    assert "nbf" in wanted.value.claims
    assert len(graph.sent) == 2


async def test_a_challenge_does_not_make_us_forget_what_was_done(world):
    Challenging(world, (200, 401, 401), again=401)
    assert [one.status for one in await batch(world, STEPS)] == [200, 401, 401]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (httpx.ReadError("reset"), 504),
        (httpx.Response(500), 504),
        ({"responses": []}, 504),
        (httpx.Response(403), 403),
    ],
)
async def test_a_second_round_that_is_lost_leaves_what_is_known_of_the_first(world, end, status):
    first = [
        {"id": "0", "status": 200, "body": {"id": "a"}},
        {"id": "1", "status": 429, "headers": {"Retry-After": "1"}},
        {"id": "2", "status": 424},
    ]
    world.network.on(BATCH, {"responses": first}, end, method="POST")
    answers = await batch(world, STEPS, in_turn=True)
    assert [one.status for one in answers] == [200, status, status]
    assert answers[0].json() == {"id": "a"}
    assert all(one.failure().ambiguous == (status == 504) for one in answers[1:])
