"""The applications registered in the tenant, Graph among them, and what each may do."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
AGENT_AUDIENCE = "https://ai.azure.com"
BLUEPRINT_ID = "a3e5e6ec-a1dc-4057-9e9d-ddcd096a295e"
USER_APP_ID = "6afab687-8919-46ba-b76d-dde9085ff05b"
MCP_SERVER_ID = "50b657df-1e45-4644-a8e1-412cad13af6d"
CONNECTION_ID = "07039311-a314-4f24-ac1b-4fa8f86498c5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An app registration with its service principal (Graph resource type `application`).

    `token_version` is `api.requestedAccessTokenVersion`; `preauthorized` and `known_clients` hold
    client ids; `delegated` names the permissions it asks for, by resource name. `app_roles` are the
    permissions it offers to applications, `granted_roles` those it was granted, by resource name.
    A `multi_tenant` one has a principal in every tenant (`signInAudience` is AzureADMultipleOrgs).
    """

    name: str
    display_name: str
    client_id: str
    principal_id: str
    secret: str | None = field(default=None, repr=False)
    public: bool = False
    agent_identity: bool = False
    multi_tenant: bool = False
    token_version: int = 2
    identifier_uris: tuple[str, ...] = ()
    scopes: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    redirect_uris: tuple[str, ...] = ()
    preauthorized: frozenset[str] = frozenset()
    known_clients: frozenset[str] = frozenset()
    delegated: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    app_roles: tuple[str, ...] = ()
    granted_roles: MappingProxyType[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

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


def applications(base_url: str) -> tuple[Application, ...]:
    """The registrations at the start; `base_url` is the origin of the agent's redirect URI."""
    return (_graph(), *_callers(base_url), *_resources())


def _graph() -> Application:
    return Application(
        name="graph",
        display_name="Microsoft Graph",
        client_id=GRAPH_ID,
        principal_id="5e624949-6b95-49c4-b53a-7850f9b5bd9c",
        multi_tenant=True,
        token_version=1,
        identifier_uris=(GRAPH_AUDIENCE,),
        scopes=GRAPH_SCOPES,
    )


def _callers(base_url: str) -> Iterable[Application]:
    yield Application(
        name="user-app",
        display_name="Desktop app",
        client_id=USER_APP_ID,
        principal_id="df9314f7-6aa7-4a4c-a22a-9b5364d79974",
        public=True,
        redirect_uris=("http://localhost", "http://localhost/callback"),
        delegated=MappingProxyType(
            {"agent-platform": ("user_impersonation",), "mcp-server": ("mcp.access",)}
        ),
    )
    yield Application(
        name="connection",
        display_name="Agent connection",
        client_id=CONNECTION_ID,
        principal_id="93af6bca-f91e-43a5-893d-8f57124e1d62",
        secret="practice-secret-of-the-connection",
        multi_tenant=True,
        redirect_uris=(f"{base_url}/agent/redirect",),
        delegated=MappingProxyType({"mcp-server": ("mcp.access",)}),
    )
    yield Application(
        name="agent-identity",
        display_name="Agent identity",
        client_id="5639bd7e-ea8c-462c-a12c-1f39f43332b0",
        principal_id="46d57d99-3952-4ba7-9eb1-b831fc19d657",
        secret="practice-secret-of-the-agent-identity",
        agent_identity=True,
        granted_roles=MappingProxyType({"mcp-server": ("mcp.read",)}),
    )


def _resources() -> Iterable[Application]:
    yield Application(
        name="agent-platform",
        display_name="Agent platform",
        client_id="34acbb4a-9e6b-48e8-8db0-6fd5b0cf06e7",
        principal_id="6fec3a57-d208-4bb3-837d-6569cf675715",
        token_version=1,
        identifier_uris=(AGENT_AUDIENCE,),
        scopes=MappingProxyType({"user_impersonation": "Talk to your agents as you"}),
        preauthorized=frozenset({USER_APP_ID}),
    )
    yield Application(
        name="mcp-server",
        display_name="MCP server",
        client_id=MCP_SERVER_ID,
        principal_id="df8c2fa6-0dc9-47ac-a84f-863799958185",
        secret="practice-secret-of-the-mcp-server",
        multi_tenant=True,
        identifier_uris=(f"api://{MCP_SERVER_ID}",),
        scopes=MappingProxyType(
            {"mcp.access": "Use the MCP server as you", "mcp.admin": "Administer the MCP server"}
        ),
        known_clients=frozenset({USER_APP_ID, CONNECTION_ID}),
        delegated=MappingProxyType(
            {"graph": tuple(GRAPH_SCOPES), "expenses-api": ("Expenses.Read",)}
        ),
        app_roles=("mcp.read",),
    )
    yield Application(
        name="expenses-api",
        display_name="Expenses",
        client_id="b177d58a-3221-4e6a-834b-9674fc3c60d8",
        principal_id="ed89d539-fe47-4c8a-bf33-6fadb7d2f949",
        identifier_uris=("api://expenses",),
        scopes=MappingProxyType({"Expenses.Read": "Read your expenses"}),
    )
