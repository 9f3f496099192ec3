"""What a file holds; most of it is made only when somebody looks."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from obo_tenant.graph.odata.kql import padded_words

_MIME_TYPES = {
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "html": "text/html",
    "htm": "text/html",
    "rtf": "application/rtf",
    "xml": "application/xml",
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "zip": "application/zip",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_READABLE = ("text/", "application/json", "application/xml")
_MOST_READ = 200_000


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a file, its media type and the text that is in it."""

    content: bytes
    mime_type: str
    text: str


class Contents:
    """A document that is made when first asked for, and kept."""

    def __init__(self, make: Callable[[], Document]) -> None:
        self._make = make

    @cached_property
    def document(self) -> Document:
        """The document itself."""
        return self._make()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes, as OneDrive writes it."""
        return hashlib.sha256(self.document.content).hexdigest().upper()

    @cached_property
    def words(self) -> str:
        """What is written in it, ready to be searched (see `padded_words`)."""
        return padded_words(self.document.text)

    @property
    def size(self) -> int:
        """How many bytes."""
        return len(self.document.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and self.document == other.document

    def __hash__(self) -> int:
        return hash(self.document)


def made_of(document: Document) -> Contents:
    """Contents that are there already."""
    return Contents(lambda: document)


def uploaded(name: str, content: bytes) -> Contents:
    """What somebody sent under `name`, whose ending decides the media type."""
    kind = _MIME_TYPES.get(ending_of(name), "application/octet-stream")
    readable = kind.startswith(_READABLE)
    text = content[:_MOST_READ].decode("utf-8", "replace") if readable else ""
    return made_of(Document(content, kind, text))


def ending_of(name: str) -> str:
    """`txt` for `Notes.TXT`; empty for a name without a dot."""
    return name.rpartition(".")[2].casefold() if "." in name else ""
