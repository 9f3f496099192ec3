"""How a cache outside this process says that it could not be asked."""


class CacheFailed(Exception):
    """A shared cache did not answer. Its callers go on as if it were empty.

    `cause` is the kind of the error alone: the error itself may name an address or hold what
    was sent, so it is neither kept nor chained.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Crowded(CacheFailed):
    """Too many of our own questions were under way: this says nothing about the other side."""

    def __init__(self) -> None:
        super().__init__("Crowded")
