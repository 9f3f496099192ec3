"""Who and what one tenant knows: applications, accounts, and who consented to what."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid4, uuid5

from obo_tenant.apps import Application
from obo_tenant.conditional_access import Policy
from obo_tenant.people import HOME, Organization, Person, synthetic_person
from obo_tenant.registrations import applications

if TYPE_CHECKING:
    from obo_tenant.cae import Revocation

_WIDELY_CONSENTED = ("mcp-server", "blueprint")


@dataclass(slots=True)
class Account:
    """A person's standing: may they sign in, and which of their sign-in sessions still count.

    `policies` are what Conditional Access demands, by the client id of the resource it guards.
    `revocation` is from when on Graph wants newer tokens of theirs.
    """

    person: Person
    enabled: bool = True
    administrator: bool = False
    session_id: str = field(default_factory=lambda: str(uuid4()))
    revoked: set[str] = field(default_factory=set)
    policies: dict[str, Policy] = field(default_factory=dict)
    revocation: "Revocation | None" = None

    def revoke_sessions(self) -> None:
        """End every session so far (Graph `user: revokeSignInSessions`); the next one is new."""
        self.revoked.add(self.session_id)
        self.session_id = str(uuid4())


class Directory:
    """Applications and accounts by their names and ids, and the consents between them.

    Every application is registered at home; a neighbour knows the multi-tenant ones.
    """

    def __init__(self, base_url: str, organization: Organization = HOME) -> None:
        self.organization = organization
        known = (_known_at(organization, app) for app in applications(base_url))
        self._apps = {app.name: app for app in known if app is not None}
        self.user_consent = "all"
        self._optional: dict[str, frozenset[str]] = {}
        self._accounts = {
            person.key: Account(person, administrator=person.key == organization.administrator)
            for person in organization.people
        }
        self._keys = {person.oid: person.key for person in organization.people}
        self._consents: dict[tuple[str, str, str | None], frozenset[str]] = {}
        for account in self.accounts:
            if account.person.key != organization.without_consent:
                self.consent_widely(account)

    @property
    def apps(self) -> tuple[Application, ...]:
        """Every application, Graph first."""
        return tuple(self._apps.values())

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account, the synthetic ones too."""
        return tuple(self._accounts.values())

    def app(self, name: str) -> Application | None:
        """The application of that short name."""
        return self._apps.get(name)

    def app_by_id(self, client_id: object) -> Application | None:
        """The application of that client id; GUIDs are compared without case."""
        wanted = str(client_id).lower()
        return next((app for app in self._apps.values() if app.client_id == wanted), None)

    def resource(self, identifier: str) -> Application | None:
        """The application with that identifier URI or client id; a last slash does not count."""
        wanted = identifier.removesuffix("/")
        return next(
            (app for app in self._apps.values() if wanted in app.identifier_uris),
            self.app_by_id(wanted),
        )

    def set_token_version(self, name: str, version: int) -> None:
        """Set `requestedAccessTokenVersion`, 1 or 2, of an application if it is known here."""
        if name in self._apps:
            self._apps[name] = replace(self._apps[name], token_version=version)

    def set_redirect_uris(self, name: str, uris: tuple[str, ...]) -> None:
        """Replace the redirect URIs of an application if it is known here."""
        if name in self._apps:
            self._apps[name] = replace(self._apps[name], redirect_uris=uris)

    def set_optional_claims(self, name: str, claims: Iterable[str]) -> None:
        """Set the optional claims of the access tokens for an application."""
        self._optional[name] = frozenset(claims)

    def wants_claim(self, resource: Application, claim: str) -> bool:
        """Whether that resource asked for that optional claim in its access tokens."""
        return claim in self._optional.get(resource.name, ())

    def account(self, key: str) -> Account | None:
        """The account of that short name."""
        return self._accounts.get(key)

    def account_by_oid(self, oid: object) -> Account | None:
        """The account of that object id."""
        return self._accounts.get(self._keys.get(str(oid), ""))

    def account_by_name(self, user_principal_name: str) -> Account | None:
        """The account of that sign-in name, compared without case."""
        wanted = user_principal_name.strip().lower()
        return next((a for a in self.accounts if a.person.user_principal_name == wanted), None)

    def add_people(self, count: int) -> Iterator[Account]:
        """Add `count` synthetic people who consented as the others did and cannot sign in."""
        for number in range(len(self._accounts), len(self._accounts) + count):
            oid = str(uuid5(NAMESPACE_OID, f"{self.organization.tenant_id}/{number}"))
            account = Account(synthetic_person(oid))
            self._accounts[account.person.key] = account
            self._keys[account.person.oid] = account.person.key
            self.consent_widely(account)
            yield account

    def consent_widely(self, account: Account) -> None:
        """Consent, as that person, to what the MCP server and the agents' blueprint ask for."""
        for name in _WIDELY_CONSENTED:
            self.consent_to_delegated(name, account)

    def consent_to_delegated(self, name: str, account: Account) -> None:
        """Consent, as that person, to everything the application of that name asks for."""
        client = self._apps[name]
        for resource, scopes in client.delegated.items():
            if resource in self._apps:
                self.consent(client, self._apps[resource], account, scopes)

    def consent(
        self,
        client: Application,
        resource: Application,
        account: Account | None,
        scopes: Iterable[str],
    ) -> None:
        """Add to a person's consent, or without a person to the administrator's for everybody."""
        place = (client.client_id, resource.client_id, account.person.oid if account else None)
        self._consents[place] = self._consents.get(place, frozenset()) | frozenset(scopes)

    def withdraw(
        self,
        client: Application,
        resource: Application,
        account: Account | None,
        scopes: Iterable[str],
    ) -> None:
        """Take consents back, everybody's without a person; no scopes means all of them."""
        gone = frozenset(scopes)
        for place, granted in list(self._consents.items()):
            of_pair = place[:2] == (client.client_id, resource.client_id)
            if of_pair and (account is None or place[2] == account.person.oid):
                self._consents[place] = granted - gone if gone else frozenset()

    def consented(
        self, client: Application, resource: Application, account: Account
    ) -> frozenset[str]:
        """What `client` may ask of `resource` for that person without asking them.

        An agent identity inherits from its blueprint (Entra, "Inheritable permissions").
        """
        if client.client_id in resource.preauthorized:
            return frozenset(resource.scopes)
        pair = (client.client_id, resource.client_id)
        own = self._consents.get((*pair, account.person.oid), frozenset())
        own |= self._consents.get((*pair, None), frozenset())
        parent = self.app_by_id(client.parent) if client.parent else None
        if parent is None or resource.name not in parent.inheritable:
            return own
        return own | self.consented(parent, resource, account)


def _known_at(organization: Organization, app: Application) -> Application | None:
    """The application as that tenant sees it: its principal has another object id in each."""
    if organization is HOME:
        return app
    principal_id = str(uuid5(NAMESPACE_OID, f"{organization.tenant_id}/{app.client_id}"))
    return replace(app, principal_id=principal_id) if app.multi_tenant else None
