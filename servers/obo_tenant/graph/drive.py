"""A OneDrive or a document library: folders and files with their content."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from obo_tenant.graph.contents import Contents
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.odata.kql import padded_words
from obo_tenant.graph.sharing import Grants

ROOT_KEY = "root"
QUOTA_BYTES = 256 * 1024 * 1024
_ONEDRIVE = "https://contoso-my.contoso.example/personal"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveItem:
    """A file (with contents) or a folder (without). `version` counts every change, and
    `content_version` those of the bytes: they are behind eTag and cTag.
    """

    key: str
    item_id: str
    name: str
    parent: str
    created: datetime
    modified: datetime
    created_by: Address
    modified_by: Address
    contents: Contents | None = None
    shared_by: Address | None = None
    description: str = ""
    version: int = 1
    content_version: int = 1

    @property
    def is_folder(self) -> bool:
        """Whether this can hold other items."""
        return self.contents is None

    @property
    def text(self) -> str:
        """What search finds in it."""
        return self.contents.document.text if self.contents else ""

    @property
    def size(self) -> int:
        """Bytes of a file; 0 for a folder itself."""
        return self.contents.size if self.contents else 0


class Drive:
    """All items of one drive. Names are unique in a folder without regard to case.

    `library_url` makes it the document library of a site instead of somebody's OneDrive.
    """

    def __init__(
        self,
        drive_id: str,
        owner: Address,
        owner_oid: str,
        items: Iterable[DriveItem],
        library_url: str = "",
    ) -> None:
        self.drive_id = drive_id
        self.owner = owner
        self.owner_oid = owner_oid
        self.grants = Grants()
        self._by_key: dict[str, DriveItem] = {}
        self._by_id: dict[str, str] = {}
        self._names: dict[str, dict[str, str]] = {}
        for item in items:
            self.put(item)
        self.is_library = bool(library_url)
        slug = owner.address.replace("@", "_").replace(".", "_")
        self.web_url = library_url or f"{_ONEDRIVE}/{slug}/Documents"

    @property
    def root(self) -> DriveItem:
        """The top folder."""
        return self._by_key[ROOT_KEY]

    @property
    def items(self) -> list[DriveItem]:
        """Everything but the root."""
        return [item for item in self._by_key.values() if item.key != ROOT_KEY]

    def put(self, item: DriveItem) -> None:
        """Add an item, or put a changed one in the place of what it was."""
        self._forget_name(item.key)
        self._by_key[item.key] = item
        self._by_id[item.item_id] = item.key
        if item.key != ROOT_KEY:
            self._names.setdefault(item.parent, {})[item.name.casefold()] = item.key

    def remove(self, item: DriveItem) -> None:
        """Take an item away, with all that is below it."""
        for each in (*self.below(item), item):
            self._forget_name(each.key)
            del self._by_key[each.key]
            del self._by_id[each.item_id]
            for grant in self.grants.on(each.key):
                self.grants.remove(grant.grant_id)

    def _forget_name(self, key: str) -> None:
        old = self._by_key.get(key)
        if old is not None and key != ROOT_KEY:
            self._names[old.parent].pop(old.name.casefold(), None)

    def item(self, item_id: str) -> DriveItem | None:
        """The item with this id, or None; `root` is an alias."""
        if item_id.casefold() == "root":
            return self.root
        return self._by_key.get(self._by_id.get(item_id, ""))

    def with_key(self, key: str) -> DriveItem | None:
        """The item with this key, or None."""
        return self._by_key.get(key)

    def children(self, item: DriveItem) -> list[DriveItem]:
        """What is directly in a folder: folders first, then by name."""
        below = [self._by_key[key] for key in self._names.get(item.key, {}).values()]
        return sorted(below, key=lambda each: (not each.is_folder, each.name.casefold()))

    def child(self, folder: DriveItem, name: str) -> DriveItem | None:
        """What has this name in a folder, without regard to case, or None."""
        return self._by_key.get(self._names.get(folder.key, {}).get(name.casefold(), ""))

    def at_path(self, start: DriveItem, path: str) -> DriveItem | None:
        """The item at `path` below `start`, without regard to case, or None."""
        found: DriveItem | None = start
        for name in filter(None, path.split("/")):
            found = self.child(found, name) if found else None
        return found

    def parent_of(self, item: DriveItem) -> DriveItem | None:
        """The folder an item is in; None for the root."""
        return None if item.key == ROOT_KEY else self._by_key[item.parent]

    def line_of(self, item: DriveItem) -> list[DriveItem]:
        """The item and every folder it is in, up to the root."""
        line: list[DriveItem] = []
        here: DriveItem | None = item
        while here is not None:
            line.append(here)
            here = self.parent_of(here)
        return line

    def path_of(self, item: DriveItem) -> str:
        """The path from the root, without a slash at the start; empty for the root."""
        return "/".join(each.name for each in reversed(self.line_of(item)[:-1]))

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
        if not item.is_folder:
            return item.size
        keys = self._names.get(item.key, {}).values()
        return sum(self.size_of(self._by_key[key]) for key in keys)

    def room(self) -> int:
        """How many bytes still fit."""
        return QUOTA_BYTES - self.size_of(self.root)


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
            "text": item.contents.words if item.contents else " ",
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
