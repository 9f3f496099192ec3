"""Files: the drive, items by id and by path, children, content, search inside the drive.

Sources: Graph "driveItem" pages (get, list children, get content, search), "addressing items".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from obo_tenant.graph.contents import ending_of
from obo_tenant.graph.downloads import Downloads
from obo_tenant.graph.drive import Drive, DriveItem, ItemWords
from obo_tenant.graph.drive_view import DOWNLOAD_URL, ITEM_PROPERTIES, drive_json, item_json
from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.kql import padded_words
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.reach import Reach
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
        Field("size", "Edm.Int32", lambda item: item.size),
    ),
)
_PAGE = 200
_TO_PDF = frozenset(
    [
        "csv",
        "doc",
        "docx",
        "odp",
        "ods",
        "odt",
        "pot",
        "potm",
        "potx",
        "pps",
        "ppsx",
        "ppsxm",
        "ppt",
        "pptm",
        "pptx",
        "rtf",
        "xls",
        "xlsx",
    ]
)


def drive_paths(
    scopes: str, method: str, *listed: tuple[str, Callable[[Visit], Response]]
) -> tuple[Operation, ...]:
    """Paths below a drive: for `/me/drive` and again for `/drives/{drive}`."""
    mine = [(f"drive/{path}".rstrip("/"), answer) for path, answer in listed]
    named = [(f"{{drive}}/{path}".rstrip("/"), answer) for path, answer in listed]
    return (
        *operations("drive", scopes, *mine, method=method),
        *operations("drive", scopes, *named, below="drives", method=method),
    )


@dataclass(frozen=True, slots=True)
class DriveRoutes:
    """The endpoints that read a drive; `downloads` is where download links come from."""

    downloads: Downloads
    reach: Reach

    def operations(self) -> tuple[Operation, ...]:
        """The paths, below `/me/drive` and again below `/drives/{drive}`."""
        return (
            *drive_paths(
                SCOPES,
                "GET",
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
            ),
            *operations("drive", SCOPES, ("drives", self.list_drives)),
        )

    def get_drive(self, visit: Visit) -> Response:
        """The drive itself."""
        full = drive_json(self.reach.place(visit).drive)
        check_names(visit.options.select, full, "drive")
        return visit.one(visit.context("drives/$entity"), show(full, visit.options.select))

    def list_drives(self, visit: Visit) -> Response:
        """The caller's own drives: there is one."""
        full = drive_json(visit.owner.drive)
        check_names(visit.options.select, full, "drive")
        page = cut([full], visit.options, size=200, by="$skiptoken")
        shown = [show(each, visit.options.select) for each in page.items]
        return visit.many(visit.context("drives"), page, shown)

    def get_item(self, visit: Visit) -> Response:
        """One file or folder."""
        place = self.reach.place(visit)
        return self.answered(visit, place.item, place.drive)

    def answered(self, visit: Visit, item: DriveItem, drive: Drive, status: int = 200) -> Response:
        """One file or folder as the answer, with what was selected of it."""
        shown = self._shown(visit, item, drive)
        if _expanded(visit, allowed=("children",)):
            below = drive.children(item)[:_PAGE]
            shown["children"] = [self.full(visit, each, drive) for each in below]
        return visit.one(_context(visit, drive, "$entity"), shown, status)

    def list_children(self, visit: Visit) -> Response:
        """What is in a folder: 200 at a time, folders first."""
        place = self.reach.place(visit)
        return self._listed(visit, place.drive, place.drive.children(place.item), "children")

    def search(self, visit: Visit) -> Response:
        """Items below a folder with all the words in their name or content."""
        place = self.reach.place(visit)
        wanted = [padded_words(word).rstrip() for word in visit.variables["words"].split()]
        found = [
            each
            for each in place.drive.below(place.item)
            if all(word in ItemWords(each, "").words("") for word in wanted)
        ]
        return self._listed(visit, place.drive, found, "search")

    def get_content(self, visit: Visit) -> Response:
        """A redirect to where the bytes are, or to what they become as PDF."""
        place = self.reach.place(visit)
        return self.redirect(visit, place.item, place.drive)

    def redirect(self, visit: Visit, item: DriveItem, drive: Drive) -> Response:
        """See `get_content`. Raises GraphError 400 for a folder, 406 for another format."""
        if item.is_folder:
            raise GraphError(400, "invalidRequest", "You cannot get content for a folder")
        wanted = visit.options.plain.get("format")
        if wanted is None:
            return RedirectResponse(self.downloads.url(visit.owner, item, drive), 302)
        if wanted.casefold() != "pdf" or ending_of(item.name) not in _TO_PDF:
            raise GraphError(406, "notSupported", "The requested conversion is not available.")
        return RedirectResponse(self.downloads.url(visit.owner, item, drive, as_pdf=True), 302)

    def full(self, visit: Visit, item: DriveItem, drive: Drive) -> dict[str, Any]:
        """All properties of an item, with a download link made for the caller."""
        return item_json(item, drive, lambda each: self.downloads.url(visit.owner, each, drive))

    def _listed(self, visit: Visit, drive: Drive, found: list[DriveItem], context: str) -> Response:
        options = visit.options
        if options.skip:
            raise GraphError(
                400,
                "invalidRequest",
                "$skip is not supported on this API. Only URLs returned by the API can be used "
                "to page.",
            )
        _expanded(visit, allowed=())
        if options.filter is not None:
            raise GraphError(400, "invalidRequest", "The $filter expression is not supported.")
        if options.order_by is not None:
            found = in_order(found, parse_order(options.order_by, ITEM_FIELDS))
        size = page_size(options, default=_PAGE, maximum=1000, preferred=visit.prefer.page_size)
        page = cut(found, options, size=size, by="$skiptoken")
        shown = [self._shown(visit, each, drive) for each in page.items]
        total = len(found) if context == "children" else None
        return visit.many(_context(visit, drive, context), page, shown, total)

    def _shown(self, visit: Visit, item: DriveItem, drive: Drive) -> dict[str, Any]:
        names = visit.options.select
        check_names(names, ITEM_PROPERTIES, "driveItem")
        if "content.downloadurl" in (name.casefold() for name in names):
            names = (*names, DOWNLOAD_URL)
        return show(self.full(visit, item, drive), names)


def _expanded(visit: Visit, allowed: tuple[str, ...]) -> bool:
    """Whether anything is to be expanded. Raises GraphError 400 for what cannot be."""
    for name in visit.options.expand:
        if name.partition("(")[0].casefold() not in allowed:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.driveItem'."
            )
    return bool(visit.options.expand)


def _context(visit: Visit, drive: Drive, what: str) -> str:
    return visit.context(f"drives('{drive.drive_id}')/items/{what}")
