"""The kinds of arguments that mail tools share."""

from typing import Annotated, Literal

from pydantic import Field

Id = Annotated[str, Field(max_length=512)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1, max_length=20)]
People = Annotated[
    tuple[Annotated[str, Field(max_length=400)], ...],
    Field(max_length=500, description="Each 'Name <address>' or an address"),
]
Copied = Annotated[tuple[Annotated[str, Field(max_length=400)], ...], Field(max_length=500)]
Body = Annotated[str, Field(max_length=100_000)]
BodyType = Literal["text", "html"]
Importance = Literal["any", "low", "normal", "high"]
