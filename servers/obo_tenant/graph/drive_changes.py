"""What writing does to a drive: names, conflicts, versions, quota.

Source: Graph "driveItem: put content", "create folder", "update", "move", "delete"; OneDrive's
"Restrictions and limitations" on names.
"""

import re
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from obo_tenant.graph.contents import Contents, uploaded
from obo_tenant.graph.drive import Drive, DriveItem
from obo_tenant.graph.drive_view import ctag, etag
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.ids import drive_item_id
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.reach import Target

BEHAVIOURS = ("fail", "rename", "replace")
_FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f\x7f]|_vti_|^~\$|^\s|[\s.]$')
_RESERVED = re.compile(r"\.lock|con|prn|aux|nul|com\d|lpt\d|desktop\.ini", re.IGNORECASE)
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Touch:
    """Who changes something, and when."""

    by: Address
    at: datetime


def check_name(name: str) -> str:
    """`name`, if a file may have it. Raises GraphError 400."""
    if not name or len(name) > _LONGEST_NAME or _FORBIDDEN.search(name):
        raise _invalid("The provided name cannot contain disallowed characters or be that long.")
    if _RESERVED.fullmatch(name):
        raise _invalid("The provided name is reserved.")
    return name


def check_behaviour(wanted: object, default: str) -> str:
    """What to do about a name that is taken. Raises GraphError 400."""
    behaviour = default if wanted is None else str(wanted).casefold()
    if behaviour not in BEHAVIOURS:
        raise _invalid("The conflictBehavior is none of fail, replace, rename.")
    return behaviour


def check_unchanged(if_match: str | None, item: DriveItem, drive: Drive) -> None:
    """Whether the item still is what the caller knows. Raises GraphError 412."""
    if if_match is None or if_match.strip() == "*":
        return
    tags = {tag.strip().removeprefix("W/") for tag in re.split(r",(?=\s*(?:W/)?\")", if_match)}
    if tags.isdisjoint({etag(item, drive), ctag(item, drive)}):
        raise GraphError(412, "resourceModified", "ETag does not match current item's value")


def check_room(drive: Drive, wanted: int) -> None:
    """Whether that many bytes more fit. Raises GraphError 507."""
    if wanted > drive.room():
        raise GraphError(507, "quotaLimitReached", "The user has reached their quota limit.")


def store_file(
    target: Target, content: bytes, behaviour: str, touch: Touch
) -> tuple[DriveItem, bool]:
    """Put a file where `target` says; whether it is new.

    Raises GraphError 400 for the name, 409 for one that is taken, 507 for too many bytes.
    """
    drive, taken = target.drive, target.taken
    check_name(target.name)
    check_room(drive, len(content) - (taken.size if taken else 0))
    contents = uploaded(target.name, content)
    if taken is not None and behaviour == "replace" and not taken.is_folder:
        changed = replace(
            taken,
            contents=contents,
            modified=touch.at,
            modified_by=touch.by,
            version=taken.version + 1,
            content_version=taken.content_version + 1,
        )
        drive.put(changed)
        return changed, False
    if taken is not None and behaviour != "rename":
        raise taken_name()
    parent = target.parent
    for name in target.missing:
        parent = _made(drive, parent, check_name(name), touch, None)
    name = free_name(drive, parent, target.name) if taken else target.name
    return _made(drive, parent, name, touch, contents), True


def store_folder(
    drive: Drive, parent: DriveItem, name: str, behaviour: str, touch: Touch
) -> DriveItem:
    """Make a folder. Raises GraphError 400, 409."""
    check_name(name)
    taken = drive.child(parent, name)
    if taken is not None and behaviour == "replace" and taken.is_folder:
        return taken
    if taken is not None and behaviour != "rename":
        raise taken_name()
    free = free_name(drive, parent, name) if taken else name
    return _made(drive, parent, free, touch, None)


def change(
    drive: Drive, item: DriveItem, parent: DriveItem, name: str, description: str
) -> DriveItem:
    """Give an item another folder, name or description. Raises GraphError 400, 409."""
    if item is drive.root:
        raise _invalid("The root cannot be renamed or moved.")
    if item in drive.line_of(parent) or not parent.is_folder:
        raise _invalid("An item cannot be moved into itself or into a file.")
    taken = drive.child(parent, check_name(name))
    if taken is not None and taken is not item:
        raise taken_name()
    changed = replace(
        item, name=name, parent=parent.key, description=description, version=item.version + 1
    )
    drive.put(changed)
    return changed


def free_name(drive: Drive, parent: DriveItem, name: str) -> str:
    """`name` with the first number behind it that is not taken."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    number = 1
    while drive.child(parent, f"{stem} {number}{dot}{ending}") is not None:
        number += 1
    return f"{stem} {number}{dot}{ending}"


def taken_name() -> GraphError:
    """409: the folder has something of this name."""
    return GraphError(
        409, "nameAlreadyExists", "An item with the same name already exists under the parent"
    )


def _made(
    drive: Drive, parent: DriveItem, name: str, touch: Touch, contents: Contents | None
) -> DriveItem:
    key = uuid.uuid4().hex
    item = DriveItem(
        key=key,
        item_id=drive_item_id(drive.owner_oid, key),
        name=name,
        parent=parent.key,
        created=touch.at,
        modified=touch.at,
        created_by=touch.by,
        modified_by=touch.by,
        contents=contents,
    )
    drive.put(item)
    return item


def _invalid(message: str) -> GraphError:
    return GraphError(400, "invalidRequest", message)
