"""Whether a thread stands in the queue before a call that is made one at a time."""

import sys

from obo_mcp.exchange.turns import OneAtATime


def waits_its_turn(thread):
    frame = sys._current_frames().get(thread.ident)
    in_the_call = frame is not None and frame.f_code is OneAtATime.run.__code__
    return in_the_call and "seen" in frame.f_locals
