"""The scopes of one exchange: all of one resource, each with its resource in front."""

from dataclasses import dataclass
from typing import Self

RESERVED = frozenset({"openid", "profile", "email", "offline_access"})


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
                of Graph), a reserved one, or several resources at once (AADSTS700022).
        """
        names = tuple(sorted(set(text.split())))
        if not names:
            raise ValueError("a scope is needed, such as https://graph.microsoft.com/.default")
        for name in names:
            if name in RESERVED or "://" not in name or name.endswith("/"):
                raise ValueError(f"scope {name!r} must be written as <resource>/<scope>")
        resources = {name.rpartition("/")[0] for name in names}
        if len(resources) > 1:
            raise ValueError("one exchange serves one resource: ask for each separately")
        return cls(resources.pop(), names)
