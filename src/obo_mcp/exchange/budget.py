"""How many exchanges may be tried twice, so that retries never become a storm."""

PER_EXCHANGE = 0.2
"""One retry is earned by five exchanges: requests stay below 1.2 times the exchanges."""
MOST_SAVED = 10.0


class RetryBudget:
    """Earns a fifth of a retry with each exchange, saves ten at most, and starts with one."""

    def __init__(self) -> None:
        self._retries = 1.0

    def earn(self) -> None:
        """An exchange begins."""
        self._retries = min(self._retries + PER_EXCHANGE, MOST_SAVED)

    def spend(self) -> bool:
        """Take one retry out, if there is one."""
        if self._retries < 1:
            return False
        self._retries -= 1
        return True
