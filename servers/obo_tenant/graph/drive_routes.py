"""Files: the drive, items by id and by path, children, content, search inside the drive.

Sources: Graph "driveItem" pages (get, list children, get content, search), "addressing items".
"""

from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from obo_tenant.graph.downloads import Downloads
from obo_tenant.graph.drive import Drive, DriveItem, ItemWords
from obo_tenant.graph.drive_view import DOWNLOAD_URL, ITEM_PROPERTIES, drive_json, item_json
from obo_tenant.graph.errors import GraphError, item_not_found
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.kql import padded_words
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.visit import Operation, Visit, operations

SCOPES = (
    "Files.Read Files.ReadWrite Files.Read.All Files.ReadWrite.All Sites.Read.All "
    "Sites.ReadWrite.All"
)
ITEM_FIELDS = fields(
    "driveItem",
    (
        Field("name", "Edm.String", lambda item: item.name),
        Field("lastModifiedDateTime", "Edm.DateTimeOffset", lambda item: item.modified),
        Field("createdDateTime", "Edm.DateTimeOffset", lambda item: item.created),
        Field("size", "Edm.Int32", lambda item: len(item.content or b"")),
    ),
)


@dataclass(frozen=True, slots=True)
class DriveRoutes:
    """The endpoints of a drive; they need to know where download links come from."""

    downloads: Downloads

    def operations(self) -> tuple[Operation, ...]:
        """The paths, below `/me/drive` and again below `/drives/{drive}`."""
        listed = (
            ("", self.get_drive),
            ("root", self.get_item),
            ("root/children", self.list_children),
            ("root/:/{path}", self.get_item),
            ("root/:/{path}/children", self.list_children),
            ("root/:/{path}/content", self.get_content),
            ("items/{item}", self.get_item),
            ("items/{item}/children", self.list_children),
            ("items/{item}/content", self.get_content),
            ("items/{item}/:/{path}", self.get_item),
            ("items/{item}/:/{path}/children", self.list_children),
            ("items/{item}/:/{path}/content", self.get_content),
            ("search()/{words}", self.search),
            ("root/search()/{words}", self.search),
            ("items/{item}/search()/{words}", self.search),
        )
        mine = [(f"drive/{path}".rstrip("/"), answer) for path, answer in listed]
        named = [(f"{{drive}}/{path}".rstrip("/"), answer) for path, answer in listed]
        return (
            *operations("drive", SCOPES, *mine),
            *operations("drive", SCOPES, *named, below="drives"),
        )

    def get_drive(self, visit: Visit) -> Response:
        """The drive itself."""
        full = drive_json(_drive(visit))
        check_names(visit.options.select, full, "drive")
        return visit.one(visit.context("drives/$entity"), show(full, visit.options.select))

    def get_item(self, visit: Visit) -> Response:
        """One file or folder."""
        drive = _drive(visit)
        shown = self._shown(visit, _item(visit, drive), drive)
        return visit.one(_context(visit, "$entity"), shown)

    def list_children(self, visit: Visit) -> Response:
        """What is in a folder: 200 at a time, folders first."""
        drive = _drive(visit)
        found = drive.children(_item(visit, drive))
        return self._listed(visit, drive, found, "children")

    def search(self, visit: Visit) -> Response:
        """Items below a folder with all the words in their name or content."""
        drive = _drive(visit)
        wanted = [padded_words(word).rstrip() for word in visit.variables["words"].split()]
        found = [
            each
            for each in drive.below(_item(visit, drive))
            if all(word in ItemWords(each, "").words("") for word in wanted)
        ]
        return self._listed(visit, drive, found, "search")

    def get_content(self, visit: Visit) -> Response:
        """A redirect to where the bytes are."""
        item = _item(visit, _drive(visit))
        if item.is_folder:
            raise GraphError(400, "invalidRequest", "You cannot get content for a folder")
        if "format" in visit.options.plain:
            raise GraphError(406, "notSupported", "The requested conversion is not available.")
        return RedirectResponse(self.downloads.url(visit.owner, item), 302)

    def full(self, visit: Visit, item: DriveItem, drive: Drive) -> dict[str, Any]:
        """All properties of an item, with a download link made for the caller."""
        return item_json(item, drive, lambda each: self.downloads.url(visit.owner, each))

    def _listed(self, visit: Visit, drive: Drive, found: list[DriveItem], context: str) -> Response:
        options = visit.options
        if options.skip:
            raise GraphError(
                400,
                "invalidRequest",
                "$skip is not supported on this API. Only URLs returned by the API can be used "
                "to page.",
            )
        if options.filter is not None:
            raise GraphError(400, "invalidRequest", "The $filter expression is not supported.")
        if options.order_by is not None:
            found = in_order(found, parse_order(options.order_by, ITEM_FIELDS))
        size = page_size(options, default=200, maximum=1000, preferred=visit.prefer.page_size)
        page = cut(found, options, size=size, by="$skiptoken")
        shown = [self._shown(visit, each, drive) for each in page.items]
        total = len(found) if context == "children" else None
        return visit.many(_context(visit, context), page, shown, total)

    def _shown(self, visit: Visit, item: DriveItem, drive: Drive) -> dict[str, Any]:
        names = visit.options.select
        check_names(names, ITEM_PROPERTIES, "driveItem")
        if "content.downloadurl" in (name.casefold() for name in names):
            names = (*names, DOWNLOAD_URL)
        return show(self.full(visit, item, drive), names)


def _drive(visit: Visit) -> Drive:
    drive = visit.owner.drive
    if visit.variables.get("drive", drive.drive_id) != drive.drive_id:
        raise item_not_found("drive")
    return drive


def _item(visit: Visit, drive: Drive) -> DriveItem:
    item = drive.item(visit.variables.get("item", "root"))
    if item is not None:
        item = drive.at_path(item, visit.variables.get("path", ""))
    if item is None:
        raise item_not_found("drive")
    return item


def _context(visit: Visit, what: str) -> str:
    return visit.context(f"drives('{visit.owner.drive.drive_id}')/items/{what}")
