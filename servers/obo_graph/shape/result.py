"""Results a model can afford: compact JSON, within a budget, saying what was cut."""

from collections.abc import Callable
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic_core import to_json

from obo_graph.shape.cursor import Position
from obo_graph.shape.paging import Found
from obo_graph.text import clean, fence, new_mark
from obo_graph.wire.answer import Json

_ROW_BYTES = 2048

LIST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"type": "object"}},
        "next": {"type": "string"},
        "truncated": {"type": "integer"},
    },
    "required": ["items"],
}
"""Output schema of every tool that lists."""

OBJECT_SCHEMA: dict[str, Any] = {"type": "object"}
"""Output schema of every tool that shows one thing."""


def compact(value: Json) -> Json:
    """`value` without what says nothing: None, False, empty text and empty lists."""
    return {key: part for key, part in value.items() if part or (part == 0 and part is not False)}


def size_bytes(value: Json) -> int:
    """How many bytes of UTF-8 the model reads."""
    return len(to_json(value))


def result_of(value: Json) -> CallToolResult:
    """`value` as the one text block and, the same, as structured content."""
    return CallToolResult(
        content=[TextContent(type="text", text=_text(value))], structured_content=value
    )


def list_result(
    found: Found, rows: list[Json], extra: Json, budget_bytes: int, seal: Callable[[Position], str]
) -> CallToolResult:
    """As many `rows` as fit; `rows` stand beside `found.rows`, `extra` comes once for all.

    One row is shown however large it is: the list would not go on otherwise.
    """
    kept = len(rows)
    rows_bytes = sum(size_bytes(row) + 1 for row in rows)
    around = _around(found, kept, seal, budget_bytes) | compact(extra)
    while kept > 1 and size_bytes(around) + rows_bytes > budget_bytes:
        kept -= 1
        rows_bytes -= size_bytes(rows[kept]) + 1
        around = _around(found, kept, seal, budget_bytes) | compact(extra)
    return result_of(around | {"items": rows[:kept]})


def _around(found: Found, kept: int, seal: Callable[[Position], str], budget_bytes: int) -> Json:
    """A list's answer without its rows, of which `kept` are shown."""
    cut = len(found.rows) - kept
    following = found.rows[kept - 1][1] if cut else found.following
    answer: Json = {"items": []} | onward(following, seal, budget_bytes)
    return answer | ({"truncated": cut} if cut else {})


def onward(following: Position | None, seal: Callable[[Position], str], budget_bytes: int) -> Json:
    """How a list goes on: the cursor for `following`, if it leaves room for a row beside it."""
    cursor = "" if following is None else seal(following)
    if len(cursor) > budget_bytes - _ROW_BYTES:
        return {"ends_here": "there is more, but no room for a cursor; ask for less"}
    return {"next": cursor} if cursor else {}


def text_result(
    head: Json, name: str, text: str, *, offset: int, max_chars: int, more: bool, budget_bytes: int
) -> CallToolResult:
    """`head` and a slice of `text` (which starts at `offset` of the whole) in field `name`.

    `more` says that the whole goes on after `text`. The slice ends at `max_chars` characters or
    where the budget ends; then field `more` is the offset at which to go on. It always moves on,
    so `head` must leave room for at least one character.
    """
    mark = new_mark()

    def answer(chars: int) -> Json:
        value = dict(head)
        if chars:
            value[name] = fence(clean(text[:chars]), mark)
        if chars and (more or chars < len(text)):
            value["more"] = offset + chars
        return value

    most = min(len(text), max_chars)
    fits, too_many = min(most, 1), most + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if size_bytes(answer(middle)) <= budget_bytes:
            fits = middle
        else:
            too_many = middle
    return result_of(answer(fits))


def _text(value: Json) -> str:
    return to_json(value).decode()
