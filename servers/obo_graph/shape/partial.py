"""Results that are not whole: a source could not be asked, or not all rows have room."""

from http import HTTPStatus

from mcp.types import CallToolResult

from obo_graph.errors import GraphFailure
from obo_graph.shape.result import compact, result_of, size_bytes
from obo_graph.wire.answer import Json


def left_out(source: str, failure: GraphFailure, *scopes: str) -> str:
    """One line for the model: why `source` is not in the result, and who can mend that.

    `scopes` are what asking that source needs.
    """
    if failure.status == HTTPStatus.FORBIDDEN:
        return (
            f"Without {source}: the app lacks the delegated permission {' or '.join(scopes)}, or "
            "the person may not see it. An administrator of their organisation can grant it."
        )
    if failure.status == HTTPStatus.NOT_FOUND:
        return f"Without {source}: this person has none."
    if failure.status == HTTPStatus.BAD_REQUEST:
        return f"Without {source}: Graph does not take such a search there."
    return f"Without {source}: Graph could not answer for it just now."


def fitting(rows: list[Json], extra: Json, budget_bytes: int, *, more: int = 0) -> CallToolResult:
    """As many `rows` as fit, for a list that has no cursor; `truncated` says how many do not.

    `more` rows were left out before. One row is shown however large it is.
    """
    kept = len(rows)
    while True:
        cut = {"truncated": more + len(rows) - kept}
        answer: Json = {"items": rows[:kept]} | (cut if cut["truncated"] else {}) | compact(extra)
        if kept <= 1 or size_bytes(answer) <= budget_bytes:
            return result_of(answer)
        kept -= 1
