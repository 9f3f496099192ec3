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
        self._last_of: object = None

    def run(self, call: Callable[[], _T], *, of: object = None) -> _T:
        """What `call` returns. Only calls `of` the same object, a credential, share a failure.

        Raises:
            OboError: what `call` raised, or the call that this one waited for.
        """
        seen = self._failures
        with self._turn:
            missed = self._failures != seen and of is not None and self._last_of is of
            if missed and self._last is not None:
                raise alike(self._last)
            try:
                return call()
            except OboError as error:
                self._failures += 1
                self._last, self._last_of = alike(error), of
                raise


def alike(error: OboError, *, retry_after_seconds: int | None = None) -> OboError:
    """The same failure for somebody else, or for later.

    It comes without the traceback, and all that this holds, and without the claims: whoever met
    `error` was challenged with them, and nobody else.
    """
    seconds = error.retry_after_seconds if retry_after_seconds is None else retry_after_seconds
    twin = type(error)(str(error), retry_after_seconds=seconds)
    twin.__cause__ = error.__cause__
    return twin
