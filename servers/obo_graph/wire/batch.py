"""Several requests in one (Graph, "Combine multiple HTTP requests using JSON batching").

By hand, as the SDK's own (msgraph-core 1.5.2) writes `depends_on` where Graph reads `dependsOn`.
"""

import json
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.retry import Patience
from obo_graph.wire.transport import GraphRequest
from obo_mcp import OboError

MOST_STEPS = 20

Send = Callable[[GraphRequest], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStep:
    """One request of a batch. `path` begins with `/`; its ids are percent-encoded already."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self, number: int, after: int | None) -> Json:
        """The step as Graph reads it."""
        step: Json = {"id": str(number), "method": self.method, "url": self.path}
        headers = dict(self.headers)
        if self.body is not None:
            step["body"] = self.body
            headers["Content-Type"] = "application/json"
        if headers:
            step["headers"] = headers
        if after is not None:
            step["dependsOn"] = [str(after)]
        return step


@dataclass(frozen=True, slots=True)
class BatchWay:
    """How a batch reaches Graph: `renew` says whether a challenge brought a new token."""

    send: Send
    renew: Callable[[str], Awaitable[bool]]
    patience: Patience


async def run_batch(steps: Sequence[BatchStep], way: BatchWay, *, in_turn: bool) -> list[Answer]:
    """The answers to `steps`, in their order. See `PersonalGraph.batch`.

    Raises:
        GraphFailure: the batch itself failed, or its answer made no sense.
        OboError: Graph wants another token, and there is none.
        ValueError: there are more than 20 steps.
    """
    if len(steps) > MOST_STEPS:
        raise ValueError(f"a batch has at most {MOST_STEPS} requests")
    run = _Run(steps, way, in_turn=in_turn)
    while len(run.done) < len(steps):
        try:
            await run.round()
        except (GraphFailure, OboError) as failure:
            if not run.done:
                raise
            run.give_up(_lost(failure))
    return [run.done[number] for number in range(len(steps))]


class _Run:
    """What became of the steps of one batch so far."""

    def __init__(self, steps: Sequence[BatchStep], way: BatchWay, *, in_turn: bool) -> None:
        self.done: dict[int, Answer] = {}
        self._steps = steps
        self._way = way
        self._in_turn = in_turn
        self._retries = 0

    def give_up(self, rest: Answer) -> None:
        """Let `rest` be the answer to all steps that have none."""
        self.done = dict.fromkeys(range(len(self._steps)), rest) | self.done

    async def round(self) -> None:
        """Send what is not done, and keep what it comes to."""
        left = [number for number in range(len(self._steps)) if number not in self.done]
        answers = await _round(self._steps, left, self._way.send, in_turn=self._in_turn)
        refused = {number: one for number, one in answers.items() if _is_challenged(one)}
        settled = {
            number: one
            for number, one in answers.items()
            if not _unfinished(one) and number not in refused
        }
        self.done |= settled
        if await self._renewed(refused):
            return
        self.done |= refused
        throttled = [one for one in answers.values() if _is_throttled(one)]
        if throttled:
            await self._wait(throttled, answers)
        elif not settled and not refused:
            raise GraphFailure(NO_ANSWER, "unexpected")

    async def _renewed(self, refused: dict[int, Answer]) -> bool:
        if not refused:
            return False
        try:
            return await self._way.renew(next(iter(refused.values())).challenge)
        except OboError:
            if not self.done:
                raise
            return False  # what was done counts more than why the rest was not

    async def _wait(self, throttled: list[Answer], answers: dict[int, Answer]) -> None:
        wait = _pause(throttled, self._way.patience, self._retries)
        if wait is None:
            self.done = answers | self.done
            return
        self._retries += 1
        await self._way.patience.wait(wait)


def _lost(failure: GraphFailure | OboError) -> Answer:
    """What to say of steps whose round failed, after others were done."""
    if isinstance(failure, OboError):
        return Answer(HTTPStatus.UNAUTHORIZED, {}, b"")
    ambiguous = failure.ambiguous
    headers = {} if ambiguous else {"retry-after": failure.retry_after}
    return Answer(HTTPStatus.GATEWAY_TIMEOUT if ambiguous else failure.status, headers, b"")


async def _round(
    steps: Sequence[BatchStep], left: list[int], send: Send, *, in_turn: bool
) -> dict[int, Answer]:
    before: dict[int, int | None] = dict(zip(left, [None, *left], strict=False))
    requests = [
        steps[number].written(number, before[number] if in_turn else None) for number in left
    ]
    request = GraphRequest(
        method="POST",
        path="/$batch",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"requests": requests}, separators=(",", ":")).encode(),
    )
    return _answers((await send(request)).json(), left)


def _answers(answer: Json, asked: list[int]) -> dict[int, Answer]:
    found = answer.get("responses")
    try:
        answers = {int(one["id"]): _answer(one) for one in found or ()}
    except (AttributeError, LookupError, TypeError, ValueError):
        raise GraphFailure(NO_ANSWER, "unexpected") from None
    if answers.keys() != set(asked) or len(found or ()) != len(asked):
        raise GraphFailure(NO_ANSWER, "unexpected")
    return answers


def _answer(one: Json) -> Answer:
    headers = {str(name).lower(): str(value) for name, value in (one.get("headers") or {}).items()}
    body = one.get("body")
    if isinstance(body, str):
        content = b64decode(body)
    else:
        content = b"" if body is None else json.dumps(body).encode()
    return Answer(int(one["status"]), headers, content)


def _is_challenged(answer: Answer) -> bool:
    return answer.status == HTTPStatus.UNAUTHORIZED and bool(answer.challenge)


def _is_throttled(answer: Answer) -> bool:
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS


def _unfinished(answer: Answer) -> bool:
    # 424: the step before it failed, so this one was not tried.
    return _is_throttled(answer) or answer.status == HTTPStatus.FAILED_DEPENDENCY


def _pause(throttled: list[Answer], patience: Patience, retries: int) -> float | None:
    """How long all of them want to wait; None if one of them wants too long."""
    failures = [failure for one in throttled if (failure := one.failure()) is not None]
    waits = [patience.wait_seconds("throttled", failure, retries) for failure in failures]
    return None if None in waits else max(wait or 0.0 for wait in waits)
