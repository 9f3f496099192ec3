"""How hard the fuzz tests try, and from which seed: the same one in every plain run.

At night (`OBO_MCP_NIGHTLY=1`) there is far more of everything, from a new seed each time.
`OBO_MCP_FUZZ_SEED` repeats a night.
"""

import os
import sys
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

NIGHTLY = os.environ.get("OBO_MCP_NIGHTLY") == "1"
RFC_7519 = 7519
SEED = int(
    os.environ.get("OBO_MCP_FUZZ_SEED") or (int.from_bytes(os.urandom(6)) if NIGHTLY else RFC_7519)
)
SEED_IN_WORDS = f"OBO_MCP_FUZZ_SEED={SEED} OBO_MCP_NIGHTLY={int(NIGHTLY)}"


def say(text: str) -> None:
    """Shown by `pytest -s` and beside a failure."""
    sys.stdout.write(f"\n{SEED_IN_WORDS}: {text}\n")


def tried(examples: int, **drawn) -> Callable:
    """Like `given`, with so many examples (twenty times as many at night) from our seed."""

    def decorate(test: Callable) -> Callable:
        effort = settings(
            max_examples=examples * (20 if NIGHTLY else 1),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        say(f"{effort.max_examples} examples of {test.__qualname__}")
        return seed(SEED)(effort(given(**drawn)(test)))

    return decorate
