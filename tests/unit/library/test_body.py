"""The body of a request: no longer than is read here, no slower than we wait."""

import asyncio

import pytest

from obo_mcp.asgi.body import BODY_SECONDS, LimitedBody
from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.asgi.middleware import Door, OnBehalfOfMiddleware
from obo_mcp.errors import BodyTooLarge, BodyTooSlow, ConsentRequired, CredentialsMissing
from obo_mcp.secret import Secret
from support.asgi import Received, bearer
from support.clock import ManualClock

LIMIT = 10
GONE = {"type": "http.disconnect"}
TOKEN = bearer(Secret("some.access.token"))


def part(body, *, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """Sends `messages`, then nothing until it `hangs_up`; counts how often it was asked."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.asked = 0
        self.hangs_up = asyncio.Event()

    async def receive(self):
        self.asked += 1
        if self.messages:
            return self.messages.pop(0)
        await self.hangs_up.wait()
        return GONE


def body_of(client, **options):
    return LimitedBody(client.receive, max_bytes=LIMIT, **options)


def announcing(*values, name=b"content-length"):
    body_of(Client()).check_announced([(b"host", b"h"), *((name, value) for value in values)])


@pytest.mark.parametrize("value", [b"0", b"9", b"10", b"0010"])
def test_an_announced_length_up_to_the_limit_is_taken(value):
    announcing(value)


def test_no_announced_length_is_taken():
    announcing()


TOO_LONG = {
    "one more": [b"11"],
    "far more": [b"99999999999"],
    "more than an integer of C": [b"18446744073709551616"],
    "more digits than Python reads": [b"9" * 5000],
    "negative": [b"-1"],
    "minus nought": [b"-0"],
    "signed": [b"+5"],
    "a fraction": [b"5.0"],
    "an exponent": [b"1e0"],
    "hexadecimal": [b"0x5"],
    "with an underscore": [b"1_0"],
    "with a blank": [b" 5"],
    "with a blank behind": [b"5 "],
    "empty": [b""],
    "a word": [b"chunked"],
    "digits of another script": ["\u0665".encode()],
    "a superscript": ["\u00b2".encode("latin-1")],
    "a list": [b"5, 5"],
    "a list without a blank": [b"5,5"],
    "good, then too long": [b"5", b"11"],
    "too long, then good": [b"11", b"5"],
    "good, then no number": [b"5", b"x"],
}


@pytest.mark.parametrize("values", TOO_LONG.values(), ids=TOO_LONG)
def test_an_announced_length_that_is_too_long_or_no_number_is_refused(values):
    with pytest.raises(BodyTooLarge):
        announcing(*values)


def test_the_header_is_found_in_any_case():
    with pytest.raises(BodyTooLarge):
        announcing(b"11", name=b"Content-Length")


WITHIN = {
    "empty": [b""],
    "in one": [b"0123456789"],
    "one less": [b"012345678"],
    "in parts": [b"01234", b"56789"],
    "octet by octet": [b"x"] * LIMIT,
    "with empty parts between": [b"", b"01234", b"", b"56789", b""],
}


@pytest.mark.parametrize("parts", WITHIN.values(), ids=WITHIN)
async def test_a_body_up_to_the_limit_arrives_unchanged(parts):
    sent = [part(each, more=number + 1 < len(parts)) for number, each in enumerate(parts)]
    body = body_of(Client(*sent))
    assert [await body.receive() for _ in sent] == sent
    assert body.refusal is None


BEYOND = {
    "in one": [b"0123456789x"],
    "in two": [b"0123456789", b"x"],
    "octet by octet": [b"x"] * (LIMIT + 1),
    "far": [b"x" * 1000 * LIMIT],
}


@pytest.mark.parametrize("last", [False, True], ids=["and goes on", "and ends"])
@pytest.mark.parametrize("parts", BEYOND.values(), ids=BEYOND)
async def test_a_body_beyond_the_limit_ends_in_a_disconnect(parts, last):
    sent = [part(each) for each in parts[:-1]] + [part(parts[-1], more=not last)]
    client = Client(*sent, part(b"unread"))
    body = body_of(client)
    got = [await body.receive() for _ in parts]
    assert got[-1] == GONE
    assert sum(len(each["body"]) for each in got[:-1]) <= LIMIT
    assert isinstance(body.refusal, BodyTooLarge)


async def test_after_a_refusal_nothing_more_is_read():
    client = Client(part(b"x" * 11), part(b"unread"))
    body = body_of(client)
    assert [await body.receive() for _ in range(5)] == [GONE] * 5
    assert client.asked == 1


@pytest.mark.parametrize("digits", [1, 30])
async def test_an_announced_length_that_lies_is_found_out_by_the_octets(digits):
    body = body_of(Client(part(b"x" * 11, more=False)))
    body.check_announced([(b"content-length", b"5".zfill(digits))])
    assert await body.receive() == GONE
    assert isinstance(body.refusal, BodyTooLarge)


async def test_a_client_that_leaves_in_the_middle_is_no_refusal():
    body = body_of(Client(part(b"01234"), GONE, GONE))
    assert [await body.receive() for _ in range(3)] == [part(b"01234"), GONE, GONE]
    assert body.refusal is None


@pytest.mark.parametrize("seconds", [0, -1, 1e-9])
async def test_a_body_that_has_begun_and_does_not_go_on_is_too_slow(seconds):
    client = Client(part(b"0"))
    body = body_of(client, seconds=seconds)
    assert [await body.receive() for _ in range(3)] == [part(b"0"), GONE, GONE]
    assert isinstance(body.refusal, BodyTooSlow)
    assert client.asked == 2


async def test_the_first_part_may_take_its_time():
    client = Client()
    body = body_of(client, seconds=0)
    first = asyncio.ensure_future(body.receive())
    for _ in range(9):
        await asyncio.sleep(0)
    assert not first.done()
    client.hangs_up.set()
    assert await first == GONE
    assert (body.refusal, body.client_left) == (None, True)


async def test_a_body_that_stops_halfway_is_too_slow():
    body = body_of(Client(part(b"01234")), seconds=0)
    assert await body.receive() == part(b"01234")
    assert await body.receive() == GONE
    assert isinstance(body.refusal, BodyTooSlow)


LAST_PARTS = {
    "as most servers send it": part(b"01234", more=False),
    "without its optional members": {"type": "http.request"},
}


@pytest.mark.parametrize("last", LAST_PARTS.values(), ids=LAST_PARTS)
async def test_after_the_last_part_the_disconnect_is_waited_for_without_end(last):
    client = Client(last)
    body = body_of(client, seconds=0)
    assert await body.receive() == last
    waiting = asyncio.ensure_future(body.receive())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    client.hangs_up.set()
    assert await waiting == GONE
    assert body.refusal is None


async def test_after_the_body_whatever_the_server_says_is_passed_on():
    later = [{"type": "http.request", "body": b"x" * 100}, {"type": "something.new"}, GONE]
    body = body_of(Client(part(b"", more=False), *later))
    assert [await body.receive() for _ in range(4)] == [part(b"", more=False), *later]
    assert body.refusal is None


async def test_a_caller_who_is_cancelled_while_waiting_is_no_refusal():
    body = body_of(Client())
    waiting = asyncio.ensure_future(body.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert body.refusal is None


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time only moves when a test moves it."""

    def __init__(self, clock):
        self._clock = clock
        super().__init__()

    def time(self):
        return self._clock.monotonic()


def run(clock, test):
    with asyncio.Runner(loop_factory=lambda: ClockLoop(clock)) as runner:
        return runner.run(test)


class Dripping(Client):
    """Each message takes a while."""

    def __init__(self, clock, seconds, *messages):
        super().__init__(*messages)
        self._clock = clock
        self._seconds = seconds

    async def receive(self):
        self._clock.advance(self._seconds)
        for _ in range(3):  # so that a deadline that is over is noticed
            await asyncio.sleep(0)
        return await super().receive()


def test_dripping_does_not_win_time():
    clock = ManualClock()
    client = Dripping(clock, BODY_SECONDS / 3 + 1, *[part(b"x")] * LIMIT)

    async def read():
        body = body_of(client)
        got = []
        while body.refusal is None:
            got.append(await body.receive())
        return got, body.refusal

    got, refusal = run(clock, read())
    assert got == [part(b"x"), part(b"x"), part(b"x"), GONE]
    assert isinstance(refusal, BodyTooSlow)


def test_the_time_runs_from_the_first_look_at_the_body():
    clock = ManualClock()
    client = Dripping(clock, BODY_SECONDS - 1, part(b"x", more=False))

    async def read():
        body = body_of(client)
        clock.advance(10 * BODY_SECONDS)
        return await body.receive(), body.refusal

    assert run(clock, read()) == (part(b"x", more=False), None)


# Through the door: what the client gets.


def door(app, verify=None):
    async def anybody(token):
        return "somebody"

    return OnBehalfOfMiddleware(
        app,
        Door(
            resource=ProtectedResource(
                url="https://mcp.example", authorization_servers=("https://a",), scope="s/x"
            ),
            guard=Guard(hosts=frozenset(), origins=frozenset(), local_pages=False),
            max_body_bytes=LIMIT,
            verify=verify or anybody,
            admit=lambda scope, caller, refuse: lambda: None,
            running=lambda: None,
            is_ready=lambda: True,
        ),
    )


async def post(app, client, *headers):
    answer = Received()

    async def send(message):
        if message["type"] == "http.response.start":
            assert not answer.status, "a second answer began"
            answer.status = message["status"]
        else:
            answer.body += message.get("body", b"")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    scope["headers"] = [(b"host", b"localhost"), TOKEN, *headers]
    await app(scope, client.receive, send)
    return answer


async def whole_body(receive):
    """Read on, whatever comes; `None` if the client has gone."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        more = message["more_body"]
    return body


def answering(status):
    async def app(scope, receive, send):
        body = await whole_body(receive)
        await send({"type": "http.response.start", "status": status, "headers": []})
        for word in (b"read ", body or b"nothing"):
            await send({"type": "http.response.body", "body": word, "more_body": True})
        await send({"type": "http.response.body"})

    return app


async def crashing(scope, receive, send):
    if await whole_body(receive) is None:
        raise RuntimeError("the client has gone")


async def refusing(scope, receive, send):
    if await whole_body(receive) is None:
        raise ConsentRequired


async def silent(scope, receive, send):
    await whole_body(receive)


async def reading_late(scope, receive, send):
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await whole_body(receive)


APPLICATIONS = {
    "answers 200 all the same": answering(200),
    "answers 400": answering(400),
    "answers 500": answering(500),
    "raises": crashing,
    "raises a refusal of its own": refusing,
    "returns without an answer": silent,
}


@pytest.mark.parametrize("app", APPLICATIONS.values(), ids=APPLICATIONS)
async def test_a_body_beyond_the_limit_is_answered_with_413_whatever_the_application_does(app):
    answer = await post(door(app), Client(part(b"x" * 6), part(b"x" * 5, more=False)))
    assert (answer.status, answer.json["error"]) == (413, "invalid_request")
    assert answer.json["error_description"] == str(BodyTooLarge())


@pytest.mark.parametrize("app", APPLICATIONS.values(), ids=APPLICATIONS)
def test_a_body_that_takes_too_long_is_answered_with_408_whatever_the_application_does(app):
    clock = ManualClock()
    client = Dripping(clock, BODY_SECONDS + 1, part(b"x"))
    answer = run(clock, post(door(app), client))
    assert (answer.status, answer.json["error"]) == (408, "invalid_request")


async def test_a_held_server_error_gives_way_to_413_even_if_nothing_follows_it():
    answer = await post(door(reading_late), Client(part(b"x" * 11, more=False)))
    assert (answer.status, answer.json["error"]) == (413, "invalid_request")


async def test_a_body_at_the_limit_is_served():
    answer = await post(
        door(answering(200)),
        Client(part(b"0123456789", more=False)),
        (b"content-length", b"10"),
    )
    assert (answer.status, answer.body) == (200, b"read 0123456789")


async def test_an_answer_that_has_begun_is_not_broken_off_by_a_long_body():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the ", "more_body": True})
        await whole_body(receive)
        await send({"type": "http.response.body", "body": b"whole"})

    answer = await post(door(app), Client(part(b"x" * 11, more=False)))
    assert (answer.status, answer.body) == (200, b"the whole")


async def test_an_announced_length_beyond_the_limit_is_refused_without_reading():
    client = Client(part(b"x" * 11, more=False))
    answer = await post(door(answering(200)), client, (b"content-length", b"11"))
    assert (answer.status, client.asked) == (413, 0)


async def test_of_a_caller_who_is_not_admitted_no_body_is_read():
    async def refuse(token):
        raise CredentialsMissing

    client = Client(part(b"x" * 11, more=False))
    answer = await post(door(answering(200), refuse), client, (b"content-length", b"11"))
    assert (answer.status, client.asked) == (401, 0)
