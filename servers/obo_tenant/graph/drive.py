"""A person's OneDrive: folders and files with their content."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.odata.kql import padded_words

ROOT_KEY = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveItem:
    """A file (with content) or a folder (content None). `text` is what search finds in it."""

    key: str
    item_id: str
    name: str
    parent: str
    created: datetime
    modified: datetime
    created_by: Address
    modified_by: Address
    content: bytes | None = None
    text: str = ""
    mime_type: str = ""
    shared_by: Address | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this can hold other items."""
        return self.content is None


class Drive:
    """All items of one drive. Names are unique in a folder without regard to case."""

    def __init__(
        self, drive_id: str, owner: Address, owner_oid: str, items: Iterable[DriveItem]
    ) -> None:
        self.drive_id = drive_id
        self.owner = owner
        self.owner_oid = owner_oid
        self._by_key = {item.key: item for item in items}
        self._by_id = {item.item_id: item for item in self._by_key.values()}
        self._children: dict[str, list[DriveItem]] = {}
        for item in self._by_key.values():
            if item.key != ROOT_KEY:
                self._children.setdefault(item.parent, []).append(item)
        for below in self._children.values():
            below.sort(key=lambda item: (not item.is_folder, item.name.casefold()))
        self.slug = owner.address.replace("@", "_").replace(".", "_")
        self.web_url = f"https://contoso-my.contoso.example/personal/{self.slug}/Documents"

    @property
    def root(self) -> DriveItem:
        """The top folder."""
        return self._by_key[ROOT_KEY]

    @property
    def items(self) -> list[DriveItem]:
        """Everything but the root."""
        return [item for item in self._by_key.values() if item.key != ROOT_KEY]

    def item(self, item_id: str) -> DriveItem | None:
        """The item with this id, or None; `root` is an alias."""
        return self.root if item_id.casefold() == "root" else self._by_id.get(item_id)

    def children(self, item: DriveItem) -> list[DriveItem]:
        """What is directly in a folder: folders first, then by name."""
        return self._children.get(item.key, [])

    def at_path(self, start: DriveItem, path: str) -> DriveItem | None:
        """The item at `path` below `start`, without regard to case, or None."""
        found: DriveItem | None = start
        for name in filter(None, path.split("/")):
            below = self.children(found) if found else []
            wanted = name.casefold()
            found = next((item for item in below if item.name.casefold() == wanted), None)
        return found

    def parent_of(self, item: DriveItem) -> DriveItem | None:
        """The folder an item is in; None for the root."""
        return None if item.key == ROOT_KEY else self._by_key[item.parent]

    def path_of(self, item: DriveItem) -> str:
        """The path from the root, without a slash at the start; empty for the root."""
        names: list[str] = []
        here: DriveItem | None = item
        while here is not None and here.key != ROOT_KEY:
            names.append(here.name)
            here = self.parent_of(here)
        return "/".join(reversed(names))

    def below(self, item: DriveItem) -> list[DriveItem]:
        """Everything under a folder, however deep."""
        result: list[DriveItem] = []
        open_folders = [item]
        while open_folders:
            inside = self.children(open_folders.pop())
            result += inside
            open_folders += [each for each in inside if each.is_folder]
        return result

    def size_of(self, item: DriveItem) -> int:
        """Bytes of a file, or of everything in a folder."""
        if item.content is not None:
            return len(item.content)
        return sum(self.size_of(each) for each in self.children(item))


class ItemWords:
    """A drive item as KQL sees it."""

    def __init__(self, item: DriveItem, path: str) -> None:
        self._item = item
        extension = item.name.rpartition(".")[2] if "." in item.name else ""
        authors = f"{item.created_by.name} | {item.modified_by.name} | {item.created_by.address}"
        self._texts = {
            "name": padded_words(item.name),
            "type": padded_words(extension),
            "author": padded_words(authors),
            "path": padded_words(path),
            "text": padded_words(item.text),
        }
        self._texts[""] = self._texts["name"] + self._texts["text"]

    def words(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        return self._texts[name]

    def flag(self, _name: str) -> str:
        """See `odata.kql.Searchable`: the only flag is isDocument."""
        return str(not self._item.is_folder).lower()

    def moment(self, name: str) -> datetime | None:
        """See `odata.kql.Searchable`."""
        return self._item.created if name == "created" else self._item.modified
