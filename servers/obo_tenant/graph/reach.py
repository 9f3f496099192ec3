"""Which drive and item a request means, and whether the caller gets there.

Somebody's own drive is theirs; a library is everybody's in the organization; of the drive of
somebody else there is only what was shared, and whatever else is in it does not exist.
Source: Graph "Addressing resources in a drive", "Accessing shared DriveItems", permissions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from obo_tenant.graph.drive import Drive, DriveItem
from obo_tenant.graph.errors import GraphError, denied, item_not_found
from obo_tenant.graph.ids import drive_id
from obo_tenant.graph.sharing import shared_url
from obo_tenant.graph.sites import Sites
from obo_tenant.graph.store import REGISTERED, Profile, Store
from obo_tenant.graph.visit import Visit

WIDE_READ = ("Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All")
WIDE_WRITE = ("Files.ReadWrite.All", "Sites.ReadWrite.All")


@dataclass(frozen=True, slots=True)
class Place:
    """An item and the drive it is in."""

    drive: Drive
    item: DriveItem


@dataclass(frozen=True, slots=True)
class Target:
    """Where something new goes: `missing` folders are made below `parent`, `taken` has its name."""

    drive: Drive
    parent: DriveItem
    missing: tuple[str, ...]
    name: str
    taken: DriveItem | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Finds drives and items for a caller.

    `givers` tells by short name who has shared something with somebody from the start; the drives
    of others are looked into only once they are there.
    """

    store: Store
    sites: Sites
    givers: Callable[[str], frozenset[str]]

    def known(self, profile: Profile, wanted: str) -> Drive | None:
        """The drive with this id, if it belongs to the organization of `profile`."""
        own = self.store.of(profile.oid).drive
        if wanted == own.drive_id:
            return own
        library = self.sites.library(profile.company, wanted)
        if library is not None:
            return library
        for each in REGISTERED.values():
            if each.company == profile.company and drive_id(each.oid) == wanted:
                return self.store.of(each.oid).drive
        return None

    def drive(self, visit: Visit, *, writing: bool = False) -> Drive:
        """The drive that the path names. Raises GraphError 403, 404."""
        own = visit.owner.drive
        drive = self.known(visit.owner.profile, visit.variables.get("drive", own.drive_id))
        if drive is None:
            raise item_not_found("drive")
        if drive is not own and not visit.may(*(WIDE_WRITE if writing else WIDE_READ)):
            raise denied("drive")
        return drive

    def place(self, visit: Visit, *, writing: bool = False) -> Place:
        """The item that the path names. Raises GraphError 403, 404."""
        drive = self.drive(visit, writing=writing)
        item = drive.item(visit.variables.get("item", "root"))
        if item is not None:
            item = drive.at_path(item, visit.variables.get("path", ""))
        if item is None:
            raise item_not_found("drive")
        return self.admitted(visit, Place(drive, item), writing=writing)

    def target(self, visit: Visit) -> Target:
        """Where the file goes that the path names. Raises GraphError 400, 403, 404."""
        drive = self.drive(visit, writing=True)
        here = drive.item(visit.variables.get("item", "root"))
        names = [name for name in visit.variables.get("path", "").split("/") if name]
        if here is None:
            raise item_not_found("drive")
        if not names:
            self.admitted(visit, Place(drive, here), writing=True)
            return _itself(drive, here)
        while len(names) > 1 and (below := drive.child(here, names[0])) is not None:
            here, names = below, names[1:]
        self.admitted(visit, Place(drive, here), writing=True)
        if not here.is_folder:
            raise item_not_found("drive")
        taken = drive.child(here, names[0]) if len(names) == 1 else None
        return Target(drive, here, tuple(names[:-1]), names[-1], taken)

    def admitted(self, visit: Visit, place: Place, *, writing: bool = False) -> Place:
        """`place`, if the caller may go there. Raises GraphError 403, 404."""
        role = _role(visit, place)
        if not role:
            raise item_not_found("drive")
        if writing and role == "read":
            raise denied("drive")
        return place

    def shared(self, visit: Visit) -> Place:
        """What a share id leads to: a link, or the address of an item. Raises GraphError."""
        url = shared_url(visit.variables["share"])
        if url is None:
            raise GraphError(400, "invalidRequest", "The sharing token is invalid.")
        for drive in self._possible(visit, url):
            grant = drive.grants.linked(url)
            if grant is not None and grant.lives(visit.now):
                item = drive.with_key(grant.key)
            elif url.startswith(drive.web_url):
                path = unquote(url.removeprefix(drive.web_url).partition("?")[0])
                item = drive.at_path(drive.root, path)
            else:
                continue
            if item is not None:
                return self._opened(visit, Place(drive, item))
        raise item_not_found("drive")

    def _opened(self, visit: Visit, place: Place) -> Place:
        if place.drive is not visit.owner.drive and not visit.may(*WIDE_READ):
            raise denied("drive")
        return self.admitted(visit, place)

    def _possible(self, visit: Visit, url: str) -> Iterator[Drive]:
        profile = visit.owner.profile
        yield visit.owner.drive
        yield from (site.library for site in self.sites.of(profile.company))
        for each in REGISTERED.values():
            slug = each.address.replace("@", "_").replace(".", "_")
            if each.company == profile.company and f"/personal/{slug}/" in url:
                yield self.store.of(each.oid).drive

    def shared_with(self, visit: Visit) -> Iterator[Place]:
        """What colleagues have shared with the caller by name."""
        profile = visit.owner.profile
        givers = self.givers(profile.key)
        for each in REGISTERED.values():
            known = self.store.has(each.oid) or each.key in givers
            if each.company != profile.company or each.oid == profile.oid or not known:
                continue
            drive = self.store.of(each.oid).drive
            for grant in drive.grants.to(profile.address, visit.now):
                item = drive.with_key(grant.key)
                if item is not None:
                    yield from (Place(drive, below) for below in (item, *drive.below(item)))

    def everywhere(self, visit: Visit) -> Iterator[Place]:
        """All that the caller can read: own, of the sites, and shared by others."""
        own = visit.owner.drive
        yield from (Place(own, item) for item in own.items)
        for site in self.sites.of(visit.owner.profile.company):
            yield from (Place(site.library, item) for item in site.library.items)
        yield from self.shared_with(visit)


def _itself(drive: Drive, item: DriveItem) -> Target:
    parent = drive.parent_of(item)
    if item.is_folder or parent is None:
        raise GraphError(400, "invalidRequest", "A folder cannot have content.")
    return Target(drive, parent, (), item.name, item)


def _role(visit: Visit, place: Place) -> str:
    """`write`, `read`, or empty for nothing at all."""
    if place.drive is visit.owner.drive or place.drive.is_library:
        return "write"
    address = visit.owner.profile.address
    line = (each.key for each in place.drive.line_of(place.item))
    roles = {
        grant.role
        for key in line
        for grant in place.drive.grants.on(key)
        if grant.lives(visit.now) and grant.opens_for(address)
    }
    return "write" if "write" in roles else "".join(roles)
