"""An application's answer on its way out: what is sent at once, held back, or dropped."""

import pytest

from obo_mcp.asgi.response import HeldResponse
from obo_mcp.errors import ConsentRequired, InteractionRequired

MOST_HELD = 16


class Client:
    """Keeps what was sent to it; `moot` is the door's own opinion."""

    def __init__(self):
        self.got = []
        self.moot = False
        self.response = HeldResponse(self.send, is_moot=lambda: self.moot)

    @property
    def begun(self):
        return self.response.verdict.begun

    async def send(self, message):
        self.got.append(message)


@pytest.fixture
def client():
    return Client()


def start(status):
    return {"type": "http.response.start", "status": status, "headers": [(b"x", b"y")]}


def body(number, *, more=True):
    return {"type": "http.response.body", "body": b"%d" % number, "more_body": more}


def answer(status, parts):
    return [start(status), *(body(n, more=n + 1 < parts) for n in range(parts))]


async def send_all(client, messages):
    for message in messages:
        await client.response.send(message)


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 499, 501, 502, 503, 599])
async def test_an_answer_but_500_is_sent_at_once(client, status):
    whole = answer(status, 3)
    for number, message in enumerate(whole, 1):
        await client.response.send(message)
        assert client.got == whole[:number]
    assert client.begun


async def test_a_500_waits_for_its_release(client):
    whole = answer(500, 3)
    await send_all(client, whole)
    assert (client.got, client.begun) == ([], False)
    await client.response.release()
    assert (client.got, client.begun) == (whole, True)


async def test_a_release_of_nothing_begins_nothing(client):
    await client.response.release()
    assert (client.got, client.begun) == ([], False)


async def test_what_was_released_is_not_sent_again(client):
    whole = answer(500, 1)
    await send_all(client, whole)
    await client.response.release()
    await client.response.release()
    assert client.got == whole


async def test_what_follows_a_release_is_sent_at_once(client):
    whole = answer(500, 3)
    await send_all(client, whole[:2])
    await client.response.release()
    for number, message in enumerate(whole[2:], 3):
        await client.response.send(message)
        assert client.got == whole[:number]


@pytest.mark.parametrize("parts", [MOST_HELD - 1, MOST_HELD, 5 * MOST_HELD])
async def test_a_long_server_error_is_not_gathered_for_ever(client, parts):
    whole = answer(500, parts)
    for number, message in enumerate(whole, 1):
        await client.response.send(message)
        assert client.got == (whole[:number] if number > MOST_HELD else [])
    await client.response.release()
    assert client.got == whole


async def test_a_server_error_that_is_never_released_is_never_seen(client):
    await send_all(client, answer(500, 2))
    assert (client.got, client.begun) == ([], False)


async def test_other_messages_pass_in_their_order(client):
    whole = [start(200), {"type": "http.response.pathsend", "path": "p"}]
    await send_all(client, whole)
    assert client.got == whole


async def test_a_moot_answer_that_has_not_begun_is_dropped(client):
    client.moot = True
    await send_all(client, answer(200, 3))
    await client.response.release()
    assert (client.got, client.begun) == ([], False)


async def test_what_is_held_when_the_answer_becomes_moot_is_dropped_with_the_rest(client):
    whole = answer(500, 3)
    await send_all(client, whole[:2])
    client.moot = True
    await send_all(client, whole[2:])
    await client.response.release()
    assert (client.got, client.begun) == ([], False)


async def test_what_is_held_is_dropped_if_the_answer_is_moot_by_the_time_of_its_release(client):
    await send_all(client, answer(500, 1))
    client.moot = True
    await client.response.release()
    assert (client.got, client.begun) == ([], False)


async def test_an_answer_that_has_begun_is_sent_whole_even_if_moot(client):
    whole = answer(200, 3)
    await send_all(client, whole[:2])
    client.moot = True
    await send_all(client, whole[2:])
    assert client.got == whole


async def test_a_failure_to_send_reaches_the_application(client):
    async def broken(message):
        raise OSError("the connection is gone")

    response = HeldResponse(broken, is_moot=lambda: False)
    with pytest.raises(OSError, match="gone"):
        await response.send(start(200))


@pytest.fixture
def patient(client):
    client.response = HeldResponse(client.send, is_moot=lambda: client.moot, hold_start=True)
    return client


@pytest.mark.parametrize("status", [200, 202, 304, 401, 499, 501, 599])
async def test_a_start_that_is_held_goes_with_the_first_part_of_the_body(patient, status):
    whole = answer(status, 3)
    await patient.response.send(whole[0])
    assert (patient.got, patient.begun) == ([], False)
    for number, message in enumerate(whole[1:], 2):
        await patient.response.send(message)
        assert patient.got == whole[:number]


async def test_a_start_that_is_held_and_never_followed_is_sent_when_released(patient):
    await patient.response.send(start(200))
    await patient.response.release()
    assert (patient.got, patient.begun) == ([start(200)], True)


async def test_a_hint_before_the_start_is_sent_at_once_and_begins_nothing(patient):
    hint = {"type": "http.response.early_hint", "links": []}
    await send_all(patient, [hint, start(200)])
    assert (patient.got, patient.begun) == ([hint], False)


async def test_what_is_sent_after_a_refusal_is_dropped(patient):
    first = InteractionRequired()
    whole = answer(200, 3)
    await patient.response.send(whole[0])
    assert patient.response.verdict.refuse(first)
    assert patient.response.verdict.refuse(ConsentRequired())
    await send_all(patient, whole[1:])
    await patient.response.release()
    assert (patient.got, patient.begun) == ([], False)
    assert patient.response.verdict.refusal is first


async def test_a_500_gives_way_to_a_refusal(patient):
    await send_all(patient, answer(500, 1))
    assert patient.response.verdict.refuse(InteractionRequired())
    await patient.response.release()
    assert (patient.got, patient.begun) == ([], False)


async def test_an_answer_that_has_begun_takes_no_refusal(patient):
    whole = answer(200, 3)
    await send_all(patient, whole[:2])
    assert not patient.response.verdict.refuse(InteractionRequired())
    await send_all(patient, whole[2:])
    assert patient.got == whole
    assert patient.response.verdict.refusal is None


async def test_an_answer_counts_as_begun_while_its_start_is_being_sent(patient):
    seen = []

    async def slow(message):
        seen.append(response.verdict.refuse(InteractionRequired()))

    response = HeldResponse(slow, is_moot=lambda: False, hold_start=True)
    for message in answer(200, 1):
        await response.send(message)
    assert seen == [False, False]
