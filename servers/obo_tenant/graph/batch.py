"""`POST /v1.0/$batch`: up to twenty requests in one, each answered as if it had come alone.

Source: Graph "Combine multiple HTTP requests using JSON batching"; "throttling-limits" for how many
of them are at work at a time.
"""

import base64
import binascii
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.responses import Response

from obo_tenant.cut_line import CutLine
from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.given import read_object
from obo_tenant.graph.visit import Operation, Visit, json_response

_MOST = 20
_AT_A_TIME = 4
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_METHODS = _WRITES | {"GET", "DELETE"}
_KEPT_BACK = frozenset({"content-length", "date", "x-ms-ags-diagnostic"})

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a batch."""

    name: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """The endpoint. The dice decide in which order the answers come."""

    dice: random.Random = field(default_factory=lambda: random.Random("batch"))

    async def answer(self, visit: Visit) -> Response:
        """Run all requests, and answer 200 whatever became of them."""
        steps = _steps(read_object(visit.body))
        done = await (_in_turn if any(step.after for step in steps) else _abreast)(visit, steps)
        lost = next((each for each in done.values() if isinstance(each, CutLine)), None)
        if lost is not None:
            return lost
        shown = [_shown(step.name, done[step.name]) for step in steps]
        self.dice.shuffle(shown)
        return json_response({"responses": shown})

    def operation(self) -> Operation:
        """The endpoint at its place; every request in it is asked for its own scopes."""
        return Operation(
            pattern=("$batch",),
            scopes=frozenset(),
            area="directory",
            answer=self.answer,
            method="POST",
        )


async def _abreast(visit: Visit, steps: list[Step]) -> dict[str, Response]:
    done: dict[str, Response] = {}
    room = anyio.CapacityLimiter(_AT_A_TIME)

    async def run(step: Step) -> None:
        async with room:
            done[step.name] = await _sent(visit, step)

    async with anyio.create_task_group() as group:
        for step in steps:
            group.start_soon(run, step)
    return done


async def _in_turn(visit: Visit, steps: list[Step]) -> dict[str, Response]:
    """One at a time, each after those that it depends on."""
    done: dict[str, Response] = {}
    for step in _ordered(steps):
        if any(done[name].status_code >= 400 for name in step.after):
            done[step.name] = _failed_dependency()
        else:
            done[step.name] = await _sent(visit, step)
    return done


def _ordered(steps: list[Step]) -> list[Step]:
    ordered: list[Step] = []
    left = list(steps)
    while left:
        named = {step.name for step in ordered}
        ready = next((step for step in left if named.issuperset(step.after)), None)
        if ready is None:
            raise bad_request("The requests of the batch depend on each other in a circle.")
        ordered.append(ready)
        left.remove(ready)
    return ordered


async def _sent(visit: Visit, step: Step) -> Response:
    return await visit.dispatch(step.method, step.url, step.headers, step.body)


def _steps(given: Mapping[str, Any]) -> list[Step]:
    listed = given.get("requests")
    if not isinstance(listed, list) or not listed:
        raise bad_request("Invalid batch payload format.")
    if len(listed) > _MOST:
        raise GraphError(
            400,
            "MaximumValueExceeded",
            f"Number of batch request steps exceeds the maximum value of {_MOST}.",
        )
    steps = [_step(each) for each in listed]
    names = [step.name for step in steps]
    for step in steps:
        if names.count(step.name) > 1:
            raise bad_request(f"Request Id: '{step.name}' is repeated in the batch request.")
        for name in step.after:
            if name not in names or name == step.name:
                raise bad_request(f"Request '{step.name}' depends on an unknown request.")
    return steps


def _step(given: object) -> Step:
    if not isinstance(given, dict):
        raise bad_request("Invalid batch payload format.")
    name, method, url = (given.get(key) for key in ("id", "method", "url"))
    headers, after = given.get("headers") or {}, given.get("dependsOn") or []
    if not (isinstance(name, str) and name and isinstance(method, str) and isinstance(url, str)):
        raise bad_request("Invalid batch payload format: id, method and url are needed.")
    if method.upper() not in _METHODS or "://" in url.partition("?")[0] or _nested(url):
        raise bad_request(f"Invalid batch payload format: request '{name}' cannot be in a batch.")
    if not isinstance(headers, dict) or not isinstance(after, list):
        raise bad_request("Invalid batch payload format.")
    words = {str(key).lower(): str(value) for key, value in headers.items()}
    return Step(
        name=name,
        method=method.upper(),
        url=url,
        headers=words,
        body=_body(name, method.upper(), given.get("body"), words.get("content-type")),
        after=tuple(map(str, after)),
    )


def _nested(url: str) -> bool:
    return url.strip("/").partition("?")[0].casefold() == "$batch"


def _body(name: str, method: str, value: object, content_type: str | None) -> bytes:
    if method in _WRITES and (content_type is None or value is None):
        raise bad_request(
            f"Write request id : {name} does not contain Content-Type header or body."
        )
    if value is None:
        return b""
    if not isinstance(value, str):
        return json.dumps(value).encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"The body of request '{name}' is not base64.") from None


def _shown(name: str, response: Response) -> Shown:
    headers = {key: value for key, value in response.headers.items() if key not in _KEPT_BACK}
    shown: Shown = {"id": name, "status": response.status_code, "headers": headers}
    content = bytes(response.body)
    if not content:
        return shown
    is_json = headers.get("content-type", "").startswith("application/json")
    shown["body"] = json.loads(content) if is_json else base64.b64encode(content).decode()
    return shown


def _failed_dependency() -> Response:
    error = {"code": "FailedDependency", "message": "A request that this one depends on failed."}
    return json_response({"error": error}, 424)
