"""An event loop that waits for nothing: when all work is done, time leaps to the next timer.

`@leaping` runs an `async def` test in one. Timers, time limits and real loopback sockets whose
other end is served by the same loop behave as ever; an hour of them passes at once. Input and
output always come before a leap, so what happens does not depend on how fast the machine is.
"""

import asyncio
import functools
import selectors

START = 1_790_000_000


class _Leaping(selectors.DefaultSelector):
    """Looks for input and output that is there, and counts the seconds it did not wait."""

    leapt = 0.0

    def select(self, timeout=None):
        if timeout is None:  # no timer is set: only another thread can go on
            return super().select()
        ready = super().select(0)
        if not ready:
            self.leapt += max(timeout, 0)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0."""

    def __init__(self):
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self):
        return self._leaping.leapt


class LoopClock:
    """The running loop's own time as a Clock; it starts where `ManualClock` does."""

    def now(self):
        return START + self.monotonic()

    def monotonic(self):
        return asyncio.get_running_loop().time()


async def passing(seconds):
    """Let that much of the loop's time pass."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop), "in any other loop this would be a sleep"
    passed = loop.create_future()
    loop.call_later(seconds, passed.set_result, None)
    await passed


def leaping(test):
    """Run the `async def` test in a loop of its own that leaps."""

    @functools.wraps(test)
    def run(*given, **named):
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(test(*given, **named))

    return run
