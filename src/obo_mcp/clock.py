"""The only place that knows what time it is."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the library reads time. Tests pass one that they move themselves."""

    def now(self) -> float:
        """Seconds since the Unix epoch: what `exp` and `nbf` are compared with."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment, never going back: for waits and ages."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()
