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


async def run_batch(
    steps: Sequence[BatchStep], send: Send, patience: Patience, *, in_turn: bool
) -> list[Answer]:
    """The answers to `steps`, in their order. See `PersonalGraph.batch`.

    Raises:
        GraphFailure: the batch itself failed, or its answer made no sense.
        ValueError: there are more than 20 steps.
    """
    if len(steps) > MOST_STEPS:
        raise ValueError(f"a batch has at most {MOST_STEPS} requests")
    done: dict[int, Answer] = {}
    retries = 0
    while len(done) < len(steps):
        left = [number for number in range(len(steps)) if number not in done]
        answers = await _round(steps, left, send, in_turn=in_turn)
        settled = {number: one for number, one in answers.items() if not _unfinished(one)}
        done |= settled
        throttled = [one for one in answers.values() if _is_throttled(one)]
        if throttled:
            wait = _pause(throttled, patience, retries)
            if wait is None:
                return [done.get(number) or answers[number] for number in range(len(steps))]
            retries += 1
            await patience.wait(wait)
        elif not settled:
            raise GraphFailure(NO_ANSWER, "unexpected")
    return [done[number] for number in range(len(steps))]


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
    except (LookupError, TypeError, ValueError):
        raise GraphFailure(NO_ANSWER, "unexpected") from None
    if answers.keys() != set(asked):
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
