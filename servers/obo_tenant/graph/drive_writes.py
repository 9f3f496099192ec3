"""Files: upload, folders, renaming, moving, deleting, upload sessions.

Sources: Graph "driveItem: put content", "create folder", "update", "move", "delete",
"createUploadSession".
"""

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.drive import DriveItem
from obo_tenant.graph.drive_changes import (
    Touch,
    change,
    check_behaviour,
    check_name,
    check_room,
    check_unchanged,
    store_file,
    store_folder,
)
from obo_tenant.graph.drive_routes import DriveRoutes, drive_paths
from obo_tenant.graph.errors import GraphError, item_not_found
from obo_tenant.graph.given import as_number, as_object, as_text, read_object
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.reach import Place, Reach
from obo_tenant.graph.upload_sessions import UploadSessions
from obo_tenant.graph.visit import Operation, Visit, json_response

SCOPES = "Files.ReadWrite Files.ReadWrite.All Sites.ReadWrite.All"
LARGEST_UPLOAD = 64 * 1024 * 1024
CONFLICT = "@microsoft.graph.conflictBehavior"
_LARGEST_FILE = 250 * 1024**3
_FOLDER_MEMBERS = frozenset({"name", "folder", "description", CONFLICT, "@odata.type"})
_ITEM_MEMBERS = frozenset(
    {"name", "description", "parentReference", "fileSystemInfo", "id", "@odata.type", CONFLICT}
)
_SESSION_MEMBERS = frozenset(
    {"name", "description", "fileSize", "fileSystemInfo", CONFLICT, "@odata.type"}
)


def touch_of(visit: Visit) -> Touch:
    """The caller as the one who changes something now."""
    profile = visit.owner.profile
    return Touch(Address(profile.name, profile.address), visit.now.replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class DriveWrites:
    """The endpoints that change a drive."""

    drives: DriveRoutes
    sessions: UploadSessions

    @property
    def reach(self) -> Reach:
        """Finds drives and items for a caller."""
        return self.drives.reach

    def operations(self) -> tuple[Operation, ...]:
        """The paths, below `/me/drive` and again below `/drives/{drive}`."""
        uploads = drive_paths(
            SCOPES,
            "PUT",
            ("items/{item}/content", self.put_content),
            ("items/{item}/:/{path}/content", self.put_content),
            ("root/:/{path}/content", self.put_content),
        )
        places = ("items/{item}", "items/{item}/:/{path}", "root/:/{path}")
        return (
            *(replace(each, largest_body=LARGEST_UPLOAD) for each in uploads),
            *drive_paths(SCOPES, "PATCH", *((path, self.update) for path in places)),
            *drive_paths(SCOPES, "DELETE", *((path, self.delete) for path in places)),
            *drive_paths(
                SCOPES,
                "POST",
                ("root/children", self.create_folder),
                *((f"{path}/children", self.create_folder) for path in places),
                *((f"{path}/createUploadSession", self.create_session) for path in places),
            ),
        )

    def put_content(self, visit: Visit) -> Response:
        """A whole file in one request: 201 for a new one, 200 for a replaced one."""
        target = self.reach.target(visit)
        wanted = visit.options.plain.get(CONFLICT.casefold())
        behaviour = check_behaviour(wanted, "replace")
        if target.taken is not None:
            check_unchanged(visit.headers.get("if-match"), target.taken, target.drive)
        item, new = store_file(target, visit.body, behaviour, touch_of(visit))
        return self.drives.answered(visit, item, target.drive, 201 if new else 200)

    def create_folder(self, visit: Visit) -> Response:
        """A new folder."""
        place = self.reach.place(visit, writing=True)
        given = _members(read_object(visit.body), _FOLDER_MEMBERS)
        if not place.item.is_folder or not isinstance(given.get("folder"), dict):
            raise GraphError(400, "invalidRequest", "Only folders can be made this way.")
        behaviour = check_behaviour(given.get(CONFLICT), "fail")
        name = as_text(given.get("name"))
        item = store_folder(place.drive, place.item, name, behaviour, touch_of(visit))
        return self.drives.answered(visit, item, place.drive, 201)

    def update(self, visit: Visit) -> Response:
        """Another name, folder or description."""
        place = self.reach.place(visit, writing=True)
        given = _members(read_object(visit.body), _ITEM_MEMBERS)
        check_unchanged(visit.headers.get("if-match"), place.item, place.drive)
        item = change(
            place.drive,
            place.item,
            self._folder(visit, place, given.get("parentReference")),
            as_text(given.get("name", place.item.name)),
            as_text(given.get("description", place.item.description)),
        )
        return self.drives.answered(visit, item, place.drive)

    def delete(self, visit: Visit) -> Response:
        """Away with it, and with all that is below."""
        place = self.reach.place(visit, writing=True)
        check_unchanged(visit.headers.get("if-match"), place.item, place.drive)
        if place.item is place.drive.root:
            raise GraphError(400, "invalidRequest", "The root cannot be deleted.")
        place.drive.remove(place.item)
        return Response(status_code=204)

    def create_session(self, visit: Visit) -> Response:
        """Where to send a large file, range by range."""
        target = self.reach.target(visit)
        given = _members(read_object(visit.body), {"item", "deferCommit"})
        item = _members(as_object(given.get("item", {})), _SESSION_MEMBERS)
        by_id = "path" not in visit.variables
        behaviour = check_behaviour(item.get(CONFLICT), "replace" if by_id else "fail")
        check_name(target.name)
        if target.taken is not None:
            check_unchanged(visit.headers.get("if-match"), target.taken, target.drive)
        if "fileSize" in item:
            check_room(target.drive, as_number(item["fileSize"], 0, _LARGEST_FILE))
        body = self.sessions.opened(visit, target, behaviour, touch_of(visit).by)
        return json_response({"@odata.context": visit.context(_SESSION_TYPE), **body})

    def _folder(self, visit: Visit, place: Place, reference: object) -> DriveItem:
        """The folder that a parentReference names; the present one without."""
        if reference is None:
            return place.drive.parent_of(place.item) or place.item
        given = as_object(reference)
        if given.get("driveId", place.drive.drive_id) != place.drive.drive_id:
            raise GraphError(400, "invalidRequest", "Items cannot be moved between drives.")
        folder = place.drive.item(as_text(given.get("id")))
        if folder is None:
            raise item_not_found("drive")
        return self.reach.admitted(visit, Place(place.drive, folder), writing=True).item


_SESSION_TYPE = "microsoft.graph.uploadSession"


def _members(given: dict[str, Any], known: frozenset[str] | set[str]) -> dict[str, Any]:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise GraphError(
            400,
            "invalidRequest",
            f"The property '{unknown[0]}' does not exist on type 'microsoft.graph.driveItem' or "
            "cannot be written.",
        )
    return given
