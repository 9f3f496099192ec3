"""Blocking calls that several threads want at once: one makes it, those who waited share a failure.

A success needs no sharing: whoever comes next finds it kept.
"""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from obo_mcp.errors import OboError

_T = TypeVar("_T")


class OneAtATime:
    """Runs calls one after another.

    A platform that gives no answer costs each call its whole time-out; sixteen threads one after
    another would wait sixteen of them. So a failure also fails everybody who waited for it.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._failures = 0
        self._last: OboError | None = None

    def run(self, call: Callable[[], _T]) -> _T:
        """What `call` returns.

        Raises:
            OboError: what `call` raised, or the call that this one waited for.
        """
        seen = self._failures
        with self._turn:
            if self._failures != seen and self._last is not None:
                raise _alike(self._last)
            try:
                return call()
            except OboError as error:
                self._failures += 1
                self._last = _alike(error)  # without the traceback, and all that it holds
                raise


def _alike(error: OboError) -> OboError:
    """The same failure for another thread: each lengthens the traceback of its own."""
    twin = type(error)(
        str(error), retry_after_seconds=error.retry_after_seconds, claims=error.claims
    )
    twin.__cause__ = error.__cause__
    return twin
