"""Arguments and properties that several of the files tools share."""

from typing import Annotated

from pydantic import Field

from obo_graph.files.place import PLACE_CHARS
from obo_graph.wire.answer import Json

ROW = "id,name,size,file,folder,parentReference,lastModifiedDateTime,lastModifiedBy,webUrl"
"""What a row of a list needs of an item."""

Item = Annotated[
    str,
    Field(
        min_length=1,
        max_length=PLACE_CHARS,
        description="ref, /path in the own OneDrive, or page URL",
    ),
]
"""An item that is read."""

OwnItem = Annotated[
    str,
    Field(min_length=1, max_length=PLACE_CHARS, description="ref, or /path in the own OneDrive"),
]
"""An item that is changed, or the folder in which something is."""

_LONGEST_ADDRESS = 1024


def web_url(value: object) -> str:
    """An address for people, if it is one: whole or not at all, as a part of it leads nowhere."""
    fits = isinstance(value, str) and len(value) <= _LONGEST_ADDRESS and value.isprintable()
    return str(value) if fits and str(value).startswith("https://") else ""


def mime_type(item: Json) -> str:
    """The type that the service gives a file; "" for a folder."""
    file = item.get("file")
    kind = file.get("mimeType") if isinstance(file, dict) else None
    return kind[:128] if isinstance(kind, str) else ""


def shared_with(item: Json) -> str:
    """`users`, `organization` or `anonymous`, if it is shared."""
    shared = item.get("shared")
    scope = shared.get("scope") if isinstance(shared, dict) else None
    return scope[:32] if isinstance(scope, str) else ""
