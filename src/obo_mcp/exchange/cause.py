"""Why an exchange came to nothing, in words and numbers for the operator: the private cause."""


class Cause(Exception):
    """The base of what stands in `__cause__` of a failed exchange's error. Never shown to callers.

    `codes` are AADSTS numbers, `cure` is what the operator can do, `asked_seconds` is the
    Retry-After that came with the answer (None: none came). `is_blip` says that nobody asked for
    patience and little time was lost, so that one more try makes sense.
    """

    def __init__(
        self,
        reason: str,
        *,
        codes: tuple[int, ...] = (),
        cure: str = "",
        asked_seconds: int | None = None,
        is_blip: bool = False,
        concerns_all: bool = False,
    ) -> None:
        super().__init__(reason)
        self.codes = codes
        self.cure = cure
        self.asked_seconds = asked_seconds
        self.is_blip = is_blip
        self.concerns_all = concerns_all


class Refusal(Cause):
    """The token endpoint's reason in its own codes: `error`, `suberror`, AADSTS numbers."""


class TransportFailure(Cause):
    """The kind of failure on the way, without the request that failed.

    A requests exception holds its request, and that holds the assertion and our credential.
    """


class HeldBack(Cause):
    """Nothing was asked: an earlier answer forbids it for a while."""


def cause_of(error: BaseException) -> Cause:
    """The cause of an exchange's error; an empty one where it has none of ours."""
    cause = error.__cause__
    return cause if isinstance(cause, Cause) else Cause("")
