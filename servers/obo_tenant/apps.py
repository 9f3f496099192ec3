"""What an application registration is, and the ones that everybody knows by their ids."""

from dataclasses import dataclass, field
from types import MappingProxyType

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
AGENT_AUDIENCE = "https://ai.azure.com"
BLUEPRINT_ID = "a3e5e6ec-a1dc-4057-9e9d-ddcd096a295e"
USER_APP_ID = "6afab687-8919-46ba-b76d-dde9085ff05b"
MCP_SERVER_ID = "50b657df-1e45-4644-a8e1-412cad13af6d"
CONNECTION_ID = "07039311-a314-4f24-ac1b-4fa8f86498c5"
OTHER_BLUEPRINT_ID = "e2a1f7c4-3d58-4b96-a7d0-64c1b85f9e37"
EXCHANGE_ID = "fb60f99c-7a34-4190-8149-302f77469936"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
VAULT_AUDIENCE = "https://vault.azure.net"
MANAGED_IDENTITY_ID = "c1d3b0de-5d56-4a0e-a7c4-7f4f6d3f1a25"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An app registration with its service principal (Graph resource type `application`).

    `token_version` is `api.requestedAccessTokenVersion`; `preauthorized` and `known_clients` hold
    client ids; `delegated` names the permissions it asks for, by resource name. `app_roles` are the
    permissions it offers to applications, `granted_roles` those it was granted, by resource name.
    A `multi_tenant` one has a principal in every tenant (`signInAudience` is AzureADMultipleOrgs).

    A `blueprint` is the parent of agent identities, and a `parent` is the client id of one; its
    children inherit what was consented to it for the `inheritable` resources, by name (Entra,
    "Inheritable permissions for Microsoft Entra Agent ID"). `microsofts` are not ours to show.

    `proof` is how a caller proves that it is this one, in the numbers of the claim `azpacr`. The
    copy that answers a token request has that request's, and the agent it is for as `fmi_path`.
    """

    name: str
    display_name: str
    client_id: str
    principal_id: str
    secret: str | None = field(default=None, repr=False)
    public: bool = False
    blueprint: bool = False
    parent: str | None = None
    multi_tenant: bool = False
    microsofts: bool = False
    token_version: int = 2
    identifier_uris: tuple[str, ...] = ()
    scopes: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    redirect_uris: tuple[str, ...] = ()
    preauthorized: frozenset[str] = frozenset()
    known_clients: frozenset[str] = frozenset()
    delegated: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    inheritable: frozenset[str] = frozenset()
    app_roles: tuple[str, ...] = ()
    granted_roles: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    proof: str = "1"
    fmi_path: str | None = None

    @property
    def agent_identity(self) -> bool:
        """Whether it is an agent identity: a principal with a blueprint and no credentials."""
        return self.parent is not None

    @property
    def audiences(self) -> frozenset[str]:
        """Every `aud` this application answers to."""
        return frozenset((self.client_id, *self.identifier_uris))

    @property
    def prefix(self) -> str:
        """What comes before the slash in its qualified scopes."""
        return self.identifier_uris[0] if self.identifier_uris else self.client_id


GRAPH_SCOPES: MappingProxyType[str, str] = MappingProxyType(
    {
        "User.Read": "Sign you in and read your profile",
        "User.ReadBasic.All": "Read everyone's basic profile",
        "People.Read": "Read your relevant people list",
        "Contacts.Read": "Read your contacts",
        "MailboxSettings.Read": "Read your mailbox settings",
        "Mail.ReadBasic": "Read your mail without its content",
        "Mail.Read": "Read your mail",
        "Mail.ReadWrite": "Read and write your mail",
        "Mail.Send": "Send mail as you",
        "Calendars.ReadBasic": "See when you are free or busy",
        "Calendars.Read": "Read your calendars",
        "Calendars.Read.Shared": "Read calendars you can see",
        "Calendars.ReadWrite": "Read and write your calendars",
        "Files.Read": "Read your files",
        "Files.Read.All": "Read every file you can see",
        "Files.ReadWrite": "Read and write your files",
        "Files.ReadWrite.All": "Read and write every file you can see",
        "Sites.Read.All": "Read the sites you can see",
        "Chat.ReadBasic": "Read the names and members of your chats",
        "Chat.Read": "Read your chats",
        "Chat.Create": "Start chats",
        "ChatMessage.Send": "Send chat messages as you",
        "Tasks.Read": "Read your tasks",
        "Tasks.ReadWrite": "Read and write your tasks",
    }
)
