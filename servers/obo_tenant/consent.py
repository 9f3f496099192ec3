"""What a person has yet to allow before a client may have what it asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from obo_tenant.apps import Application
from obo_tenant.directory import Account, Directory
from obo_tenant.scopes import Asked, Permissions
from obo_tenant.user_consent import reserved


@dataclass(frozen=True, slots=True)
class Wish:
    """`client` wants `scopes` of `resource`."""

    client: Application
    resource: Application
    scopes: tuple[str, ...]

    @property
    def words(self) -> tuple[str, str, list[str]]:
        """Who, from whom, and what, for the consent page."""
        what = [self.resource.scopes[name] for name in self.scopes]
        return self.client.display_name, self.resource.display_name, what


def wishes(
    client: Application, asked: Asked, directory: Directory, account: Account, *, every: bool
) -> list[Wish]:
    """What to show on the consent page: what is not consented yet, or with `every` all of it.

    `.default` of a resource that lists the client among its known clients asks for the resource's
    own permissions too: combined consent (Entra, OBO flow, "Gaining consent for the middle-tier").
    """
    found = [wish for each in asked.permissions for wish in _of(client, each, directory)]
    missing = [_missing(wish, directory, account) for wish in found]
    return [wish for wish in (found if every else missing) if wish.scopes]


def barred(
    wanted: Iterable[Wish], directory: Directory, account: Account, *, for_everybody: bool
) -> bool:
    """Whether this takes an administrator, and the person is none."""
    if account.administrator:
        return False
    return for_everybody or any(
        reserved(directory.user_consent, wish.resource, wish.scopes) for wish in wanted
    )


def _of(client: Application, permissions: Permissions, directory: Directory) -> Iterator[Wish]:
    resource = permissions.resource
    if not permissions.default:
        yield Wish(client, resource, permissions.names)
        return
    yield Wish(client, resource, client.delegated.get(resource.name, ()))
    if client.client_id in resource.known_clients:
        for name, scopes in resource.delegated.items():
            downstream = directory.app(name)
            if downstream is not None:
                yield Wish(resource, downstream, scopes)


def _missing(wish: Wish, directory: Directory, account: Account) -> Wish:
    consented = directory.consented(wish.client, wish.resource, account)
    rest = tuple(scope for scope in wish.scopes if scope not in consented)
    return Wish(wish.client, wish.resource, rest)
