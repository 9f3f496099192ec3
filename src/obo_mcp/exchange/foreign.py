"""Calls into code that is not ours: of what they raise, only the kind is kept.

The text and the frames of a foreign exception may hold anything: an answer of the authority's, a
form with the assertion and our credential, a private key. So it is let go before our own failure
is raised, which would otherwise carry it along as its context.
"""

from types import TracebackType
from typing import Self

from obo_mcp.errors import OboError


class Foreign:
    """Ends the block quietly whatever the foreign code raises; only our own failures pass.

    What stands after the block says what the exception of the kind `raised` comes to.
    """

    raised = ""

    def __enter__(self) -> Self:
        """The block's own notes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Note the kind of an Exception that is none of ours, and let go of it."""
        if kind is None or not isinstance(error, Exception) or isinstance(error, OboError):
            return False
        self.raised = kind.__name__
        return True
