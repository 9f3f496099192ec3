"""What a scope parameter asks for: reserved scopes, and permissions of a resource.

A scope without a resource belongs to Microsoft Graph (Entra, "Scopes and permissions in the
Microsoft identity platform"); `resource` (RFC 8707) must name the very application that the scopes
belong to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from obo_tenant.apps import GRAPH_AUDIENCE, GRAPH_ID, Application
from obo_tenant.directory import Directory
from obo_tenant.refusal import Refusal

RESERVED = ("openid", "profile", "email", "offline_access")
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
_DEFAULT = ".default"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Permissions asked of one resource, in the spelling of the resource that the client used."""

    resource: Application
    spelling: str
    names: tuple[str, ...] = ()
    default: bool = False

    def qualified(self, granted: Iterable[str]) -> list[str]:
        """`granted` in the spelling that was asked, then `.default` if it was asked for."""
        names = [*granted, *([_DEFAULT] if self.default else [])]
        return [f"{self.spelling}/{name}" for name in names]


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed scope parameter."""

    reserved: tuple[str, ...]
    permissions: tuple[Permissions, ...]

    def single(self, directory: Directory) -> Permissions:
        """The permissions for one access token; only reserved scopes mean Graph's own.

        Raises:
            Refusal: 700022 when they belong to more than one resource.
        """
        if len(self.permissions) > 1:
            raise Refusal(700022)
        return self.permissions[0] if self.permissions else graph_itself(directory)


def graph_itself(directory: Directory) -> Permissions:
    """No permission of Graph: what `openid profile` alone yields a token for (userinfo)."""
    graph = directory.app_by_id(GRAPH_ID)
    if graph is None:
        raise Refusal(500011, resource=GRAPH_AUDIENCE)
    return Permissions(graph, GRAPH_AUDIENCE)


def parse_scope(
    text: str, client: Application, directory: Directory, resource: str | None = None
) -> Asked:
    """Resolve a scope parameter; `resource` is the RFC 8707 parameter if there was one.

    Raises:
        Refusal: 70011 malformed, 500011 unknown resource, 650053 unknown scope, 9010010 when
            `resource` is no registered identifier URI or not the one the scopes belong to.
    """
    words = list(dict.fromkeys(text.split()))
    for word in words:
        if not _TOKEN.fullmatch(word):
            raise Refusal(70011, reason="It contains characters that no scope can have.")
    plain = tuple(word for word in words if word in RESERVED)
    sorted_out = _by_resource([word for word in words if word not in RESERVED], directory)
    permissions = tuple(
        _permissions(found, spelling, names, client) for spelling, found, names in sorted_out
    )
    _check_target(resource, permissions, directory)
    return Asked(plain, permissions)


def _by_resource(
    words: list[str], directory: Directory
) -> list[tuple[str, Application, list[str]]]:
    found: dict[str, tuple[str, Application, list[str]]] = {}
    for word in words:
        spelling, slash, name = word.rpartition("/")
        spelling = spelling if slash else GRAPH_AUDIENCE
        resource = directory.resource(spelling)
        if resource is None:
            raise Refusal(500011, resource=spelling)
        found.setdefault(resource.client_id, (spelling, resource, []))[2].append(name)
    return list(found.values())


def _permissions(
    resource: Application, spelling: str, names: list[str], client: Application
) -> Permissions:
    default = _DEFAULT in names
    if default and len(names) > 1:
        raise Refusal(70011, reason="'.default' can't be combined with resource-specific scopes.")
    if default:
        return Permissions(resource, spelling, default=True)
    known = {name.lower(): name for name in resource.scopes}
    for name in names:
        if name.lower() not in known:
            raise Refusal(650053, app=client.display_name, scope=name, resource=resource.client_id)
    # The same name in another case is the same permission: it is granted once.
    granted = dict.fromkeys(known[name.lower()] for name in names)
    return Permissions(resource, spelling, tuple(granted))


def _check_target(
    target: str | None, permissions: tuple[Permissions, ...], directory: Directory
) -> None:
    if target is None:
        return
    named = next((app for app in directory.apps if target in app.identifier_uris), None)
    if named is None or any(asked.resource is not named for asked in permissions):
        raise Refusal(9010010)
