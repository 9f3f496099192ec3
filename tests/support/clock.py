"""A clock that stands still until it is moved."""

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Both readings advance together, and only by `advance`."""

    seconds: float = 1_790_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
