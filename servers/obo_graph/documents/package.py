"""Documents that are zip files: opened only if they unpack to something we can afford.

Source: ECMA-376 part 2 (Open Packaging Conventions), relationships.
"""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from obo_graph.documents.extract import Unreadable
from obo_graph.documents.markup import Attributes, Visitor, read

_MOST_MEMBERS = 5_000
_MOST_MEMBER_BYTES = 96 * 1024 * 1024
_MOST_BYTES = 256 * 1024 * 1024
_MOST_RATIO = 200
_FREE_BYTES = 2 * 1024 * 1024  # small files may be as repetitive as they like
_ENCRYPTED_FLAG = 1
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OLE_PACKAGE = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part of a package refers to: its id there, its kind, the path of its target."""

    key: str
    kind: str
    target: str


class Package:
    """The members of a zip file. Zip files inside it are never opened.

    Raises:
        Unreadable: `protected`, `too_large` by what its directory claims, or `broken`.
    """

    def __init__(self, content: bytes) -> None:
        if content.startswith(_OLE):
            raise Unreadable("protected" if _OLE_PACKAGE in content else "broken")
        self._zip = zipfile.ZipFile(io.BytesIO(content))
        _check(self._zip.infolist(), len(content))
        self._names = frozenset(self._zip.namelist())

    def __contains__(self, path: str) -> bool:
        return path in self._names

    def open(self, path: str) -> IO[bytes]:
        """The member `path` as a stream, which ends where its claimed size ends."""
        return self._zip.open(path)

    def relations(self, path: str) -> list[Relation]:
        """What the part `path` refers to inside the package; "" stands for the package."""
        folder, name = posixpath.split(path)
        source = posixpath.join(folder, "_rels", f"{name}.rels")
        found = _Relations(folder)
        if source in self:
            with self.open(source) as stream:
                for _ in read(stream, found):
                    pass
        return found.all

    def related(self, path: str, kind: str) -> Iterator[str]:
        """The paths of the existing parts of `kind` that `path` refers to."""
        for relation in self.relations(path):
            if relation.kind == kind and relation.target in self:
                yield relation.target

    def main_part(self) -> str:
        """The path of the part that holds the document."""
        found = next(self.related("", "officeDocument"), None)
        if found is None:
            raise Unreadable("broken")
        return found


class _Relations(Visitor):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.all: list[Relation] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        outside = attributes.get("TargetMode", "").lower() == "external"
        if not name.endswith(" Relationship") or outside:
            return
        target = posixpath.join("/", self._folder, attributes.get("Target", ""))
        self.all.append(
            Relation(
                key=attributes.get("Id", ""),
                kind=attributes.get("Type", "").rpartition("/")[2],
                target=posixpath.normpath(target).lstrip("/"),
            )
        )


def _check(members: list[zipfile.ZipInfo], packed: int) -> None:
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        raise Unreadable("protected")
    total = sum(member.file_size for member in members)
    if (
        len(members) > _MOST_MEMBERS
        or total > min(_MOST_BYTES, _FREE_BYTES + _MOST_RATIO * packed)
        or any(member.file_size > _MOST_MEMBER_BYTES for member in members)
    ):
        raise Unreadable("too_large")
