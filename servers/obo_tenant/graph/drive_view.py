"""A drive and its items as Graph's JSON. Source: Graph "drive" and "driveItem" resource types."""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from obo_tenant.graph.drive import Drive, DriveItem
from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.zones import utc_text

DOWNLOAD_URL = "@microsoft.graph.downloadUrl"
ITEM_PROPERTIES = frozenset(
    [
        "id",
        "createdBy",
        "createdDateTime",
        "cTag",
        "eTag",
        "lastModifiedBy",
        "lastModifiedDateTime",
        "name",
        "parentReference",
        "webUrl",
        "size",
        "file",
        "folder",
        "root",
        "shared",
        "fileSystemInfo",
        "description",
        "content",
        "content.downloadUrl",
        "@microsoft.graph.downloadUrl",
        "children",
        "searchResult",
        "webDavUrl",
        "package",
        "deleted",
        "image",
        "audio",
        "video",
        "photo",
        "location",
        "specialFolder",
        "sharepointIds",
        "remoteItem",
    ]
)
_QUOTA = 1_099_511_627_776


def drive_json(drive: Drive) -> dict[str, Any]:
    """The drive itself."""
    used = drive.size_of(drive.root)
    return {
        "id": drive.drive_id,
        "createdDateTime": utc_text(drive.root.created),
        "description": "",
        "lastModifiedDateTime": utc_text(drive.root.modified),
        "name": "OneDrive",
        "webUrl": drive.web_url,
        "driveType": "business",
        "createdBy": {"user": {"displayName": "System Account"}},
        "lastModifiedBy": {"user": {"displayName": drive.owner.name}},
        "owner": {"user": {"id": drive.owner_oid, "displayName": drive.owner.name}},
        "quota": {
            "deleted": 0,
            "remaining": _QUOTA - used,
            "state": "normal",
            "total": _QUOTA,
            "used": used,
        },
    }


def item_json(
    item: DriveItem, drive: Drive, download_url: Callable[[DriveItem], str]
) -> dict[str, Any]:
    """All properties of a file or folder. `download_url` makes the link to a file's bytes."""
    tag = guid(item.item_id, "tag").upper()
    path = drive.path_of(item)
    full: dict[str, Any] = {}
    if item.content is not None:
        full[DOWNLOAD_URL] = download_url(item)
    full |= {
        "createdDateTime": utc_text(item.created),
        "eTag": f'"{{{tag}}},2"',
        "id": item.item_id,
        "lastModifiedDateTime": utc_text(item.modified),
        "name": item.name,
        "webUrl": f"{drive.web_url}/{quote(path)}" if path else drive.web_url,
        "cTag": f'"c:{{{tag}}},3"',
        "size": drive.size_of(item),
        "createdBy": _identity(item.created_by),
        "lastModifiedBy": _identity(item.modified_by),
        "parentReference": _parent(item, drive),
        "fileSystemInfo": {
            "createdDateTime": utc_text(item.created),
            "lastModifiedDateTime": utc_text(item.modified),
        },
    }
    if item.content is None:
        full["folder"] = {"childCount": len(drive.children(item))}
    else:
        digest = hashlib.sha256(item.content).hexdigest().upper()
        full["file"] = {"mimeType": item.mime_type, "hashes": {"sha256Hash": digest}}
    if item is drive.root:
        full["root"] = {}
    if item.shared_by is not None:
        full["shared"] = {"scope": "users", "sharedBy": _identity(item.shared_by)}
    return full


def _identity(person: Address) -> dict[str, Any]:
    return {"user": {"displayName": person.name}}


def _parent(item: DriveItem, drive: Drive) -> dict[str, Any]:
    reference = {"driveType": "business", "driveId": drive.drive_id}
    parent = drive.parent_of(item)
    if parent is None:
        return reference
    path = drive.path_of(parent)
    return {
        **reference,
        "id": parent.item_id,
        "name": parent.name,
        "path": "/drive/root:" + (f"/{quote(path)}" if path else ""),
    }
