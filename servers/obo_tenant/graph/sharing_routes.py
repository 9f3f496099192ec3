"""Sharing: links, invitations, permissions, and opening what was shared.

Sources: Graph "driveItem: createLink", "driveItem: invite", "list permissions", "delete
permission", "Accessing shared DriveItems".
"""

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.drive import Drive
from obo_tenant.graph.drive_routes import SCOPES as READ_SCOPES
from obo_tenant.graph.drive_routes import DriveRoutes, drive_paths
from obo_tenant.graph.drive_view import grant_json, owner_json
from obo_tenant.graph.drive_writes import SCOPES as WRITE_SCOPES
from obo_tenant.graph.errors import GraphError, item_not_found
from obo_tenant.graph.given import as_flag, as_list, as_object, as_text, lowered, read_object
from obo_tenant.graph.mailbox import Address
from obo_tenant.graph.odata.page import check_names, cut, show
from obo_tenant.graph.reach import Place
from obo_tenant.graph.sharing import Grant, Link, Role
from obo_tenant.graph.sites import HOST
from obo_tenant.graph.store import Profile, find_profile
from obo_tenant.graph.visit import Operation, Visit, operations

_ROLES: dict[str, Role] = {"view": "read", "edit": "write"}
_LINK_SCOPES = ("anonymous", "organization", "users")
_LINK_MEMBERS = frozenset(
    [
        "type",
        "scope",
        "password",
        "expirationdatetime",
        "retaininheritedpermissions",
        "sendnotification",
        "message",
        "recipients",
    ]
)
_INVITE_MEMBERS = frozenset(
    [
        "requiresignin",
        "roles",
        "sendinvitation",
        "message",
        "recipients",
        "retaininheritedpermissions",
        "expirationdatetime",
        "password",
    ]
)
_LONGEST_MESSAGE = 2000
_PERMISSION_MEMBERS = [
    "id",
    "roles",
    "link",
    "grantedToV2",
    "grantedToIdentitiesV2",
    "inheritedFrom",
    "shareId",
    "invitation",
    "expirationDateTime",
    "hasPassword",
]


@dataclass(frozen=True, slots=True)
class SharingRoutes:
    """The endpoints that share and that open what was shared."""

    drives: DriveRoutes

    def operations(self) -> tuple[Operation, ...]:
        """The paths below drives, and `/shares`."""
        places = ("root", "items/{item}", "items/{item}/:/{path}", "root/:/{path}")
        listed = [(f"{path}/permissions", self.list_permissions) for path in places]
        links = [(f"{path}/createLink", self.create_link) for path in places]
        invites = [(f"{path}/invite", self.invite) for path in places]
        one = ("items/{item}/permissions/{permission}",)
        return (
            *drive_paths(READ_SCOPES, "GET", *listed),
            *drive_paths(READ_SCOPES, "GET", *((path, self.get_permission) for path in one)),
            *drive_paths(WRITE_SCOPES, "DELETE", *((path, self.withdraw) for path in one)),
            *drive_paths(WRITE_SCOPES, "POST", *links, *invites),
            *operations(
                "drive",
                READ_SCOPES,
                ("{share}/driveItem", self.open_share),
                ("{share}/driveItem/content", self.open_content),
                below="shares",
            ),
        )

    def create_link(self, visit: Visit) -> Response:
        """A link: 201 for a new one, 200 with the one that is there already."""
        place = self.drives.reach.place(visit, writing=True)
        given = _parameters(visit, _LINK_MEMBERS)
        kind = as_text(given.get("type")).casefold()
        scope = as_text(given.get("scope")).casefold() or "organization"
        if kind not in _ROLES or scope not in _LINK_SCOPES or given.get("password"):
            raise _invalid("The link type, scope or password is not supported.")
        expires = _expiry(visit, given)
        for grant in place.drive.grants.on(place.item.key):
            same = grant.link and (grant.link.kind, grant.link.scope) == (kind, scope)
            if same and grant.expires == expires:
                return self._permission(visit, place, grant)
        link = Link(
            kind=kind, scope=scope, url=_fresh_url(place.drive, folder=place.item.is_folder)
        )
        grant = Grant(
            grant_id=str(uuid.uuid4()),
            key=place.item.key,
            role=_ROLES[kind],
            link=link,
            expires=expires,
        )
        place.drive.grants.add(grant)
        return self._permission(visit, place, grant, 201)

    def invite(self, visit: Visit) -> Response:
        """Grants to people by name; the answer lists them."""
        place = self.drives.reach.place(visit, writing=True)
        given = _parameters(visit, _INVITE_MEMBERS)
        role = _role(as_list(given.get("roles", []), longest=5))
        people = list(_people(visit, as_list(given.get("recipients", []), longest=100)))
        flags = [as_flag(given.get(name, False)) for name in ("requiresignin", "sendinvitation")]
        message = as_text(given.get("message"))
        if not people or not any(flags) or len(message) > _LONGEST_MESSAGE:
            raise _invalid(
                "Recipients are needed, requireSignIn or sendInvitation must be true, and the "
                f"message may have {_LONGEST_MESSAGE} characters."
            )
        expires = _expiry(visit, given)
        grants = [_granted(place, role, *person, expires) for person in people]
        for grant in grants:
            place.drive.grants.add(grant)
        shown = [grant_json(grant, place.drive, place.item) for grant in grants]
        page = cut(shown, visit.options, size=200, by="$skiptoken")
        return visit.many(visit.context("Collection(permission)"), page, list(page.items))

    def list_permissions(self, visit: Visit) -> Response:
        """Who has what on an item, inherited ones included."""
        check_names(visit.options.select, _PERMISSION_MEMBERS, "permission")
        shown = _permissions(visit, self.drives.reach.place(visit))
        page = cut(shown, visit.options, size=200, by="$skiptoken")
        return visit.many(
            visit.context("permissions"),
            page,
            [show(each, visit.options.select, always=("id",)) for each in page.items],
        )

    def get_permission(self, visit: Visit) -> Response:
        """One of them."""
        check_names(visit.options.select, _PERMISSION_MEMBERS, "permission")
        for shown in _permissions(visit, self.drives.reach.place(visit)):
            if shown["id"] == visit.variables["permission"]:
                chosen = show(shown, visit.options.select, always=("id",))
                return visit.one(visit.context("permissions/$entity"), chosen)
        raise item_not_found("drive")

    def withdraw(self, visit: Visit) -> Response:
        """Take a permission away; inherited ones only where they were given."""
        place = self.drives.reach.place(visit, writing=True)
        here = {grant.grant_id for grant in place.drive.grants.on(place.item.key)}
        if visit.variables["permission"] not in here:
            raise item_not_found("drive")
        place.drive.grants.remove(visit.variables["permission"])
        return Response(status_code=204)

    def open_share(self, visit: Visit) -> Response:
        """The item behind a sharing URL."""
        place = self.drives.reach.shared(visit)
        return self.drives.answered(visit, place.item, place.drive)

    def open_content(self, visit: Visit) -> Response:
        """The bytes behind a sharing URL."""
        place = self.drives.reach.shared(visit)
        return self.drives.redirect(visit, place.item, place.drive)

    def _permission(self, visit: Visit, place: Place, grant: Grant, status: int = 200) -> Response:
        shown = grant_json(grant, place.drive, place.item)
        return visit.one(visit.context("permission"), shown, status)


def _permissions(visit: Visit, place: Place) -> list[dict[str, Any]]:
    return [
        owner_json(place.drive),
        *(
            grant_json(grant, place.drive, place.item)
            for each in place.drive.line_of(place.item)
            for grant in place.drive.grants.on(each.key)
            if grant.lives(visit.now)
        ),
    ]


def _parameters(visit: Visit, known: frozenset[str]) -> dict[str, Any]:
    given = lowered(read_object(visit.body))
    unknown = sorted(given.keys() - known)
    if unknown:
        raise _invalid(f"The parameter '{unknown[0]}' is not known to this action.")
    return given


def _expiry(visit: Visit, given: dict[str, Any]) -> datetime | None:
    text = as_text(given.get("expirationdatetime"))
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid("The expirationDateTime is not a date.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= visit.now:
        raise _invalid("The expirationDateTime is in the past.")
    return moment.astimezone(UTC)


def _role(roles: list[Any]) -> Role:
    names = {as_text(each).casefold() for each in roles}
    if names == {"read"}:
        return "read"
    if names in ({"write"}, {"read", "write"}):
        return "write"
    raise _invalid("The roles must be read or write.")


def _people(visit: Visit, recipients: list[Any]) -> Iterator[tuple[Address, str]]:
    own = visit.owner.profile
    for each in recipients:
        given = lowered(as_object(each))
        name = as_text(given.get("email") or given.get("objectid") or given.get("alias"))
        known: Profile | None = find_profile(name, own.company)
        if known is not None:
            yield Address(known.name, known.address), known.oid
        elif "@" in name.strip("@"):
            yield Address(name.partition("@")[0], name), ""
        else:
            raise _invalid("A recipient could not be resolved.")


def _granted(
    place: Place, role: Role, person: Address, oid: str, expires: datetime | None
) -> Grant:
    """A grant; whoever has one already keeps its id."""
    for grant in place.drive.grants.on(place.item.key):
        if grant.person and grant.person.address.casefold() == person.address.casefold():
            grant_id = grant.grant_id
            break
    else:
        grant_id = str(uuid.uuid4())
    return Grant(
        grant_id=grant_id, key=place.item.key, role=role, person=person, oid=oid, expires=expires
    )


def _fresh_url(drive: Drive, *, folder: bool) -> str:
    host, _, path = drive.web_url.removeprefix("https://").partition("/")
    kind = "s" if host == HOST else "g"
    below = path.rpartition("/")[0]
    return f"https://{host}/:{'f' if folder else 'u'}:/{kind}/{below}/E{secrets.token_urlsafe(24)}"


def _invalid(message: str) -> GraphError:
    return GraphError(400, "invalidRequest", message)
