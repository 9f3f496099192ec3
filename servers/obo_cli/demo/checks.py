"""What the demo expects, and whether it came so."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Checks:
    """Every expectation in the order in which it was looked at."""

    made: list[tuple[str, bool]] = field(default_factory=list)

    def note(self, expectation: str, kept: bool) -> None:
        """Write down one expectation and whether it was met."""
        self.made.append((expectation, kept))

    @property
    def surprises(self) -> list[str]:
        """The expectations that were not met."""
        return [expectation for expectation, kept in self.made if not kept]
