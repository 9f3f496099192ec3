"""What hangs on an exception: causes and contexts, shown or not, and the locals of their frames."""

import traceback


def linked(error):
    """`error` and every exception that can be reached from it."""
    found, left = [], [error]
    while left:
        each = left.pop()
        if each is not None and each not in found:
            found.append(each)
            left += [each.__cause__, each.__context__]
    return found


def held(error):
    """The locals of all their frames but the tests' own, as text."""
    frames = [frame for each in linked(error) for frame, _ in traceback.walk_tb(each.__traceback__)]
    ours = [frame for frame in frames if "/tests/" not in frame.f_code.co_filename]
    return "\n".join(repr(value) for frame in ours for value in frame.f_locals.values())
