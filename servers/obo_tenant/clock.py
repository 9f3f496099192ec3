"""Where the tenant gets the time from: a callable that is passed in, never a global."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Returns Unix seconds."""

SYSTEM_CLOCK: Clock = time.time


def stamp(seconds: float) -> str:
    """`seconds` as Entra writes times in its errors, `2026-11-23 09:00:00Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"
