"""Several mails changed in one call, one at a time, each with its own outcome."""

from collections.abc import Sequence
from http import HTTPStatus

from obo_graph.errors import GraphFailure, told
from obo_graph.mail.telling import reason
from obo_graph.shape import ids
from obo_graph.shape.result import size_bytes
from obo_graph.text import one_line
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.batch import BatchStep
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

_HEADERS = {"Prefer": IMMUTABLE_IDS}
_SCOPE = "Mail.ReadWrite"
_NOT_TRIED = {
    "error": "not_tried",
    "hint": "The mailbox was busy. Call again in a minute with these ids.",
}


def paths_by_id(message_ids: Sequence[str]) -> dict[str, str]:
    """The path of each of `message_ids`; one that is there twice counts once.

    Raises:
        ToolError: one of them cannot be an id.
    """
    return {key: f"/me/messages/{ids.segment('message_ids', key)}" for key in message_ids}


def posting(path: str, body: Json) -> BatchStep:
    """The step that posts `body` to `path`."""
    return BatchStep(method="POST", path=path, body=body, headers=_HEADERS)


def patching(path: str, body: Json) -> BatchStep:
    """The step that changes what is at `path`."""
    return BatchStep(method="PATCH", path=path, body=body, headers=_HEADERS)


async def each(graph: PersonalGraph, steps: dict[str, BatchStep], budget_bytes: int) -> Json:
    """Do `steps`, by the id of their mail, and tell the outcome of each: done, or why not.

    Why is said once for all mails with the same error, in `hints`.

    Raises:
        ToolError: `maybe_done`: nobody knows which of them were done.
        GraphFailure: none was done, and all for the same reason.
    """
    answers = await _answers(graph, steps)
    if refusal := _common(answers):
        raise refusal
    outcomes = _outcomes(steps, answers)
    items: list[Json] = []
    for key, (mail, trouble) in outcomes.items():
        # Only an id that is none of the immutable ones changes.
        new_id = one_line(mail.get("id"), 512)
        done = {"ok": True} | ({"new_id": new_id} if new_id not in {"", key} else {})
        items.append({"id": key} | (trouble or done))
    count = sum("ok" in item for item in items)
    return _told({"done": count, "failed": len(items) - count}, items, budget_bytes)


async def rehearsed(
    graph: PersonalGraph, paths: dict[str, str], would: Json, budget_bytes: int
) -> Json:
    """What would be done to the mails at `paths`, by their ids: which mails these are.

    Raises:
        GraphFailure: Graph does not say.
    """
    steps = {key: _naming(path) for key, path in paths.items()}
    answers = await graph.batch(list(steps.values()), in_turn=True)
    items = [
        {"id": key} | (trouble or {"subject": one_line(mail.get("subject"), 96)})
        for key, (mail, trouble) in _outcomes(steps, answers).items()
    ]
    return _told({"dry_run": True, "would": would}, items, budget_bytes)


async def _answers(graph: PersonalGraph, steps: dict[str, BatchStep]) -> list[Answer]:
    try:
        return await graph.batch(list(steps.values()), in_turn=True)
    except GraphFailure as failure:
        if not failure.ambiguous:
            raise
        raise told(
            "maybe_done",
            "Graph did not answer: some of the mails may be changed. The same call can be made "
            "again, it changes nothing twice.",
        ) from None


def _common(answers: list[Answer]) -> GraphFailure | None:
    """The one reason why none was done; None if some were, or each for a reason of its own."""
    failures = [failure for answer in answers if (failure := answer.failure()) is not None]
    reasons = {(failure.status, failure.code) for failure in failures}
    return failures[0] if len(failures) == len(answers) and len(reasons) == 1 else None


def _naming(path: str) -> BatchStep:
    """The step that asks for the subject of the mail at `path`, and changes nothing."""
    return BatchStep(method="GET", path=f"{path}?$select=id,subject", headers=_HEADERS)


def _outcomes(steps: dict[str, BatchStep], answers: list[Answer]) -> dict[str, tuple[Json, Json]]:
    """For each mail what Graph says of it, or else its trouble as error and hint."""
    return {key: _outcome(answered) for key, answered in zip(steps, answers, strict=True)}


def _outcome(answered: Answer) -> tuple[Json, Json]:
    if answered.status == HTTPStatus.FAILED_DEPENDENCY:
        return {}, _NOT_TRIED
    try:
        failure = answered.failure()
        if failure is None:
            return answered.optional_json(), {}
    except GraphFailure as unreadable:
        failure = unreadable
    words = reason(failure, _SCOPE)
    return {}, {"error": words["error"], "hint": words["hint"]}


def _told(head: Json, items: list[Json], budget_bytes: int) -> Json:
    hints = {item["error"]: item["hint"] for item in items if "hint" in item}
    shown = [{key: item[key] for key in item if key != "hint"} for item in items]
    result: Json = {**head, "items": shown} | ({"hints": hints} if hints else {})
    if size_bytes(result) > budget_bytes:
        # Ids are up to 512 characters long; their places in the call say as much.
        result["items"] = [{**item, "id": f"#{place}"} for place, item in enumerate(shown, 1)]
    return result
