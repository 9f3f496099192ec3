"""What a model is told when a tool that changes something stops halfway."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from obo_graph.errors import GraphFailure, told


@contextmanager
def careful(*, unclear: str, changed: str = "") -> Iterator[None]:
    """Around a write that must not be repeated blindly.

    `unclear` says how to find out whether it took effect, `changed` what to read again when
    somebody else wrote in between.

    Raises:
        ToolError: `unclear` after an ambiguous failure, `changed_meanwhile` after a 412.
        GraphFailure: any other failure, as it is.
    """
    try:
        yield
    except GraphFailure as failure:
        if failure.status == HTTPStatus.PRECONDITION_FAILED:
            hint = f"It changed meanwhile. {changed}".strip()
            raise told("changed_meanwhile", hint) from None
        if failure.ambiguous:
            hint = f"Graph gave no clear answer, so it may have happened. {unclear}"
            raise told("unclear", hint) from None
        raise
