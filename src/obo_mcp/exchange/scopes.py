"""The scopes of one exchange: all of one resource, each with its resource in front."""

import re
from dataclasses import dataclass
from typing import Self

_QUALIFIED = re.compile(r"(?P<resource>[a-z][a-z0-9+.-]*://[^/\s].*)/[^/\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What to ask a downstream resource for, in a fixed order."""

    resource: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read scopes separated by spaces, such as `https://graph.microsoft.com/Mail.Read`.

        Raises:
            ValueError: none at all, one without its resource (Entra would take it for a scope
                of Graph), several resources at once (AADSTS700022), or `.default` beside
                another (AADSTS70011).
        """
        names = tuple(sorted(set(text.split())))
        if not names:
            raise ValueError("a scope is needed, such as https://graph.microsoft.com/.default")
        for name in names:
            if not _QUALIFIED.fullmatch(name):
                raise ValueError(f"scope {name!r} must be written as <resource>/<scope>")
        resources = {name.rpartition("/")[0] for name in names}
        if len(resources) > 1:
            raise ValueError("one exchange serves one resource: ask for each separately")
        if len(names) > 1 and any(name.endswith("/.default") for name in names):
            raise ValueError("the scope .default stands alone")
        return cls(resources.pop(), names)
