"""A field of a kind of thing: its OData name, its type and how to read it from our own data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["Edm.String", "Edm.Boolean", "Edm.DateTimeOffset", "Edm.Int32"]
Value = str | bool | int | datetime | None


@dataclass(frozen=True, slots=True)
class Field:
    """One property that may stand in `$filter` and `$orderby`."""

    name: str
    kind: Kind
    read: Callable[[Any], Value]


@dataclass(frozen=True, slots=True)
class Fields:
    """All properties of one entity type, found without regard to case."""

    entity: str
    by_name: Mapping[str, Field]

    def get(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        return self.by_name.get(name.casefold())


def fields(entity: str, listed: Iterable[Field]) -> Fields:
    """Collect the fields of the entity type `microsoft.graph.<entity>`."""
    return Fields(f"microsoft.graph.{entity}", {each.name.casefold(): each for each in listed})
