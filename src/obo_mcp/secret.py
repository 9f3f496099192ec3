"""Values that must never be printed."""

import hashlib
import hmac
from typing import Any, NoReturn

_HIDDEN = "<hidden>"


class Secret:
    """A token, password or key that shows itself only when asked by name.

    `reveal()` is the one way out; its call sites in this library are listed and tested.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The clear text. Keep it out of variables that outlive the call."""
        return self._value

    def stripped(self) -> "Secret":
        """The same without blanks and line breaks at its ends, as files often have them."""
        return Secret(self._value.strip())

    def digest(self) -> bytes:
        """SHA-256 of the UTF-8 text: a name for the value that does not give it away."""
        return hashlib.sha256(self._octets()).digest()

    def _octets(self) -> bytes:
        """Any text at all: the exception for one that cannot be encoded would show it whole."""
        return self._value.encode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    def __str__(self) -> str:
        return _HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets(), other._octets())

    def __hash__(self) -> int:
        return hash(self.digest())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self


class _Clear:
    """In the clear for every use but `repr` and pickling.

    Tracebacks with locals, debuggers and data structures show `<hidden>`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled")


class ClearToken(_Clear, str):
    """A token in the hands of who sends it on: a `str` but for its `repr`.

    `str.format` and concatenation give the token, because that is what an HTTP header needs.
    """

    __slots__ = ()

    def __copy__(self) -> "ClearToken":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClearToken":
        return self


class ClearOctets(_Clear, bytes):
    """A key, or a header that holds a token: `bytes` but for its `repr`, as is its text."""

    __slots__ = ()

    __str__ = _Clear.__repr__

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> ClearToken:
        """The text, which does not show itself either."""
        return ClearToken(super().decode(encoding, errors))

    def __copy__(self) -> "ClearOctets":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClearOctets":
        return self


class ClearMembers(_Clear, dict[str, Any]):
    """Claims, settings or options by name: a `dict` but for its `repr`."""
