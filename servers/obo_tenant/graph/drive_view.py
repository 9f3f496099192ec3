"""A drive, its items, permissions and sites as Graph's JSON.

Source: Graph "drive", "driveItem", "permission", "site" resource types.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from obo_tenant.graph.drive import QUOTA_BYTES, Drive, DriveItem
from obo_tenant.graph.ids import guid
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.sharing import Grant, share_id
from obo_tenant.graph.sites import HOST, Site
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


def drive_json(drive: Drive) -> dict[str, Any]:
    """The drive itself."""
    used = drive.size_of(drive.root)
    return {
        "id": drive.drive_id,
        "createdDateTime": utc_text(drive.root.created),
        "description": "",
        "lastModifiedDateTime": utc_text(drive.root.modified),
        "name": "Documents" if drive.is_library else "OneDrive",
        "webUrl": drive.web_url,
        "driveType": _kind(drive),
        "createdBy": {"user": {"displayName": "System Account"}},
        "lastModifiedBy": {"user": {"displayName": drive.owner.name}},
        "owner": {"user": {"id": drive.owner_oid, "displayName": drive.owner.name}},
        "quota": {
            "deleted": 0,
            "remaining": QUOTA_BYTES - used,
            "state": "normal",
            "total": QUOTA_BYTES,
            "used": used,
        },
    }


def etag(item: DriveItem, drive: Drive) -> str:
    """The stamp that any change of the item changes."""
    return f'"{{{_stamp(item, drive)}}},{item.version + 1}"'


def ctag(item: DriveItem, drive: Drive) -> str:
    """The stamp that only a change of the bytes changes."""
    return f'"c:{{{_stamp(item, drive)}}},{item.content_version + 2}"'


def _stamp(item: DriveItem, drive: Drive) -> str:
    return guid(drive.owner_oid, item.key).upper()


def item_json(
    item: DriveItem, drive: Drive, download_url: Callable[[DriveItem], str]
) -> dict[str, Any]:
    """All properties of an item; the root is named `root` and has no parent."""
    path = drive.path_of(item)
    full: dict[str, Any] = {}
    if not item.is_folder:
        full[DOWNLOAD_URL] = download_url(item)
    full |= {
        "createdDateTime": utc_text(item.created),
        "eTag": etag(item, drive),
        "id": item.item_id,
        "lastModifiedDateTime": utc_text(item.modified),
        "name": item.name,
        "webUrl": f"{drive.web_url}/{quote(path)}" if path else drive.web_url,
        "cTag": ctag(item, drive),
        "size": drive.size_of(item),
        "createdBy": _identity(item.created_by),
        "lastModifiedBy": _identity(item.modified_by),
        "parentReference": _parent(item, drive),
        "fileSystemInfo": {
            "createdDateTime": utc_text(item.created),
            "lastModifiedDateTime": utc_text(item.modified),
        },
    }
    return full | _facets(item, drive)


def _facets(item: DriveItem, drive: Drive) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if item.contents is None:
        facets["folder"] = {"childCount": len(drive.children(item))}
    else:
        hashes = {"sha256Hash": item.contents.digest}
        facets["file"] = {"mimeType": item.contents.document.mime_type, "hashes": hashes}
    if item is drive.root:
        facets["root"] = {}
    if item.description:
        facets["description"] = item.description
    links = [grant.link.scope for grant in drive.grants.on(item.key) if grant.link]
    if item.shared_by is not None:
        facets["shared"] = {"scope": "users", "sharedBy": _identity(item.shared_by)}
    elif drive.grants.on(item.key):
        facets["shared"] = {"scope": min(links, default="users")}
    return facets


def _kind(drive: Drive) -> str:
    return "documentLibrary" if drive.is_library else "business"


def _identity(person: Address) -> dict[str, Any]:
    return {"user": {"displayName": person.name}}


def _parent(item: DriveItem, drive: Drive) -> dict[str, Any]:
    reference = {"driveType": _kind(drive), "driveId": drive.drive_id}
    parent = drive.parent_of(item)
    if parent is None:
        return reference
    path = drive.path_of(parent)
    return {
        **reference,
        "id": parent.item_id,
        "name": parent.name,
        "path": f"/drives/{drive.drive_id}/root:" + (f"/{quote(path)}" if path else ""),
    }


def owner_json(drive: Drive) -> dict[str, Any]:
    """The permission that the owner of a drive has without being given it."""
    user = {"displayName": drive.owner.name, "id": drive.owner_oid}
    grant_id = guid(drive.owner_oid, "owner")
    return {"id": grant_id, "roles": ["owner"], "grantedToV2": {"user": user}}


def grant_json(grant: Grant, drive: Drive, item: DriveItem) -> dict[str, Any]:
    """A permission, seen from `item`: inherited, if it was given on a folder above."""
    shown: dict[str, Any] = {"id": grant.grant_id, "roles": [grant.role]}
    if grant.link is not None:
        shown |= {
            "shareId": share_id(grant.link.url),
            "hasPassword": False,
            "link": {
                "scope": grant.link.scope,
                "type": grant.link.kind,
                "webUrl": grant.link.url,
                "preventsDownload": False,
            },
        }
    if grant.person is not None:
        user = {"displayName": grant.person.name, "id": grant.oid or None}
        shown["grantedToV2"] = {"user": {k: v for k, v in user.items() if v}}
        shown["invitation"] = {"email": grant.person.address, "signInRequired": True}
    if grant.expires is not None:
        shown["expirationDateTime"] = utc_text(grant.expires)
    source = drive.with_key(grant.key)
    if grant.key != item.key and source is not None:
        path = f"/drives/{drive.drive_id}/root:/{quote(drive.path_of(source))}"
        reference = {"driveId": drive.drive_id, "id": source.item_id, "path": path}
        shown["inheritedFrom"] = reference
    return shown


def site_json(site: Site) -> dict[str, Any]:
    """A site."""
    shown: dict[str, Any] = {
        "createdDateTime": utc_text(site.created),
        "description": site.description,
        "id": site.site_id,
        "lastModifiedDateTime": utc_text(site.library.root.modified),
        "name": site.name,
        "webUrl": site.web_url,
        "displayName": site.title,
        "siteCollection": {"hostname": HOST},
    }
    if not site.path:
        shown["root"] = {}
    return shown
