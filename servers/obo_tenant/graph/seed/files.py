"""Drives full of files from the templates."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from obo_tenant.graph.contents import Contents, Document, made_of, uploaded
from obo_tenant.graph.drive import ROOT_KEY, Drive, DriveItem
from obo_tenant.graph.ids import drive_id, drive_item_id
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.seed.awkward import awkward_files
from obo_tenant.graph.seed.cast import Words
from obo_tenant.graph.seed.documents import large_table, make_document
from obo_tenant.graph.seed.shared import share_as_seeded
from obo_tenant.graph.seed.templates import Template, Templates
from obo_tenant.graph.store import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeed:
    """Fills one person's drive; nothing in it is newer than `now`, the start of the tenant."""

    owner: Profile
    now: datetime
    words: Words
    templates: Templates
    dice: random.Random

    def drive(self, *, limit: int | None) -> Drive:
        """Somebody's OneDrive with everything, or with `limit` plain files."""
        folders = self._folders()
        made = [each for template in self.templates.files for each in self._copies(template)]
        if limit is not None:
            made = self.dice.sample(made, limit)
        else:
            made += self._specials()
        me = Address(self.owner.name, self.owner.address)
        drive = Drive(drive_id(self.owner.oid), me, self.owner.oid, _unique(folders, made))
        if limit is None:
            share_as_seeded(drive, self.owner.key)
        return drive

    def library(self, url: str, kinds: frozenset[str]) -> Drive:
        """The document library at `url`, with the templates of these kinds only."""
        wanted = [each for each in self.templates.files if each["kind"] in kinds]
        made = [item for template in wanted for item in self._copies(template)]
        used = {folder for item in made for folder in _line(item.parent)}
        folders = [item for item in self._folders() if item.key in used or item.key == ROOT_KEY]
        me = Address(self.owner.name, self.owner.address)
        return Drive(drive_id(self.owner.oid), me, self.owner.oid, _unique(folders, made), url)

    def _folders(self) -> list[DriveItem]:
        words = self.words.pick()
        paths = [each.format_map(words) for each in self.templates.folders]
        return [
            self._item(ROOT_KEY, "root", ""),
            *(
                self._item(path, path.rpartition("/")[2], path.rpartition("/")[0] or ROOT_KEY)
                for path in paths
            ),
        ]

    def _copies(self, template: Template) -> list[DriveItem]:
        result = []
        for _ in range(template["copies"]):
            words = self.words.pick()
            folder = str(template["folder"]).format_map(words)
            name = str(template["name"]).format_map(words)
            text = str(template["text"]).format_map(words)
            result.append(self._file(folder, name, self._written(template["kind"], text, name)))
        return result

    def _written(self, kind: str, text: str, name: str) -> Contents:
        seed = f"{name} {self.owner.oid}"
        return Contents(lambda: make_document(kind, text, random.Random(seed)))

    def _specials(self) -> list[DriveItem]:
        made = [
            self._file("Notes", name, uploaded(name, text.encode()))
            for name, text in awkward_files().items()
        ]
        large = Contents(lambda: large_table(5))
        overview = made_of(Document(_OVERVIEW.encode(), "text/csv", _OVERVIEW))
        text = "Who brings what on Saturday: bread, cups, a good mood."
        shared = made_of(Document(text.encode(), "text/plain", text))
        return [
            *made,
            self._file("Archive", "Every door of the year.csv", large),
            self._file("Team", "Budget overview.csv", overview),
            self._file("Team", "Shared list.txt", shared, shared_by=self.words.colleagues[0]),
        ]

    def _file(
        self, folder: str, name: str, contents: Contents, shared_by: Address | None = None
    ) -> DriveItem:
        return self._item(f"{folder}/{name}", name, folder, contents, shared_by)

    def _item(
        self,
        key: str,
        name: str,
        parent: str,
        contents: Contents | None = None,
        shared_by: Address | None = None,
    ) -> DriveItem:
        me = Address(self.owner.name, self.owner.address)
        created = self.now - timedelta(minutes=self.dice.randint(3000, 430_000))
        modified = created + (self.now - created) * self.dice.random() * 0.9
        by_other = contents is not None and self.dice.random() < 0.2
        return DriveItem(
            key=key,
            item_id=drive_item_id(self.owner.oid, key),
            name=name,
            parent=parent,
            created=created.replace(microsecond=0),
            modified=modified.replace(microsecond=0),
            created_by=shared_by or me,
            modified_by=self.dice.choice(self.words.colleagues) if by_other else me,
            contents=contents,
            shared_by=shared_by,
        )


def _unique(folders: list[DriveItem], files: list[DriveItem]) -> list[DriveItem]:
    by_place = {(item.parent, item.name.casefold()): item for item in (*folders, *files)}
    return list(by_place.values())


def _line(path: str) -> list[str]:
    """A folder's path and those of the folders that it is in."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


_OVERVIEW = "store,budget\r\nPorto,12000\r\nLeeds,9500\r\n"
