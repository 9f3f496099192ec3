"""Each client credential from end to end: a person's tool call, through MSAL and over TLS."""

import base64
import logging
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from mcp.server import MCPServer

from obo_mcp import OnBehalfOf
from obo_mcp.network import tls_context
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from obo_whoami.__main__ import create_app
from support.callers import connected, text
from support.key_pairs import key_pair
from support.serving import Serving
from support.world import GRAPH_SCOPE

SERVER = "mcp-server"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
PASSWORD = "of a test"


class Registration:
    """What the tenant holds of an application's credentials, and what lies around it."""

    def __init__(self, world):
        self.world = world
        self.about = world.about

    def put(self, path, **body):
        return self.world._ask("PUT", f"/_tenant/{path}", body)

    def certificate(self, pair, app=SERVER):
        self.put(f"apps/{app}/certificates", certificate=pair.certificate_pem)

    def federated(self, issuer, subject, app=SERVER, **more):
        self.put(f"apps/{app}/federated", issuer=issuer, subject=subject, **more)

    def identity(self, app=SERVER):
        """Let the machine's identity stand for the application."""
        self.federated(self.about["issuer"], self.machine["principal_id"], app)

    def cluster(self, app=SERVER):
        """Let the cluster's service account stand for the application."""
        self.federated(f"{self.world.url}/cluster", "system:serviceaccount:default:mcp-server", app)

    @property
    def machine(self):
        return self.about["apps"]["managed-identity"]

    def account_token(self, **order):
        return self.world._ask("POST", "/_tenant/cluster/tokens", order)["token"]

    def forget(self):
        for app in (SERVER, "blueprint"):
            for kind in ("certificates", "federated"):
                self.world._ask("DELETE", f"/_tenant/apps/{app}/{kind}", {})
        self.world._ask("DELETE", "/_tenant/vault/mcp", {})


@pytest.fixture
def registration(world):
    registration = Registration(world)
    yield registration
    registration.forget()


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda name: [
        fields for line in caplog.records if (fields := fields_of(line)) and fields["event"] == name
    ]


@pytest.fixture
def on_a_machine(world, monkeypatch):
    """Where MSAL looks for a virtual machine's identity."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", world.url)


@pytest.fixture
def on_app_service(world, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{world.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "practice-header-of-the-app-service")


def server(world, **options):
    options = {"client_secret": None} | options
    return Serving(lambda url: create_app(world.settings(f"{url}/mcp", **options), world.url))


async def name_told(world, url, person="adele", **token):
    """What the tool says that Graph calls the person."""
    async with connected(f"{url}/mcp", world.token(person, **token)) as client:
        return text(await client.call_tool("my_name", {}))


@pytest.mark.promise("P-22")
async def test_a_client_secret(world):
    app = world.about["apps"][SERVER]
    with server(world, client_secret=app["client_secret"]) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair():
    return key_pair(ends_in_days=300)


def files(pair):
    pem = (pair.key_pem + pair.certificate_pem).encode()
    return {"pem": (pem, {}), "pem-with-chain": (pem, {"client_certificate_send_chain": True}),
            "pfx": (pair.pfx(), {}),
            "pfx-with-password": (pair.pfx(PASSWORD), {"client_certificate_password": PASSWORD}),
            }  # fmt: skip


@pytest.mark.promise("P-22")
@pytest.mark.parametrize("kind", ["pem", "pem-with-chain", "pfx", "pfx-with-password"])
async def test_a_certificate(world, registration, pair, tmp_path, kind):
    octets, options = files(pair)[kind]
    path = tmp_path / kind
    path.write_bytes(octets)
    registration.certificate(pair)
    with server(world, client_certificate_path=path, **options) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]


@pytest.mark.promise("P-22")
async def test_a_certificate_is_replaced_without_a_restart(world, registration, pair, tmp_path):
    path, successor = tmp_path / "mcp.pem", key_pair(ends_in_days=300)
    path.write_text(pair.key_pem + pair.certificate_pem)
    registration.certificate(pair)
    with server(world, client_certificate_path=path) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]
        registration.forget()
        registration.certificate(successor)
        path.write_text(successor.key_pem + successor.certificate_pem)
        assert await name_told(world, serving.url, "megan") == world.person("megan")["name"]


@pytest.mark.promise("P-22")
async def test_a_certificate_that_is_not_registered(world, pair, tmp_path, events):
    path = tmp_path / "mcp.pem"
    path.write_text(pair.key_pem + pair.certificate_pem)
    with server(world, client_certificate_path=path) as serving:
        told = await name_told(world, serving.url)
    assert "not set up correctly" in told
    (failed,) = events("exchange")
    assert failed["outcome"] == "ClientMisconfigured"
    assert "700027" in failed["reason"]
    assert "OBO_MCP_CLIENT_CERTIFICATE_PATH" in failed["cure"]


# --- what the platform gives ----------------------------------------------------------------------


@pytest.mark.promise("P-22")
@pytest.mark.parametrize("where", ["on_a_machine", "on_app_service"])
async def test_a_managed_identity(world, registration, request, where):
    request.getfixturevalue(where)
    registration.identity()
    identity = registration.machine["client_id"]
    with server(world, managed_identity_client_id=identity) as serving:
        for person in ("adele", "megan"):
            assert await name_told(world, serving.url, person) == world.person(person)["name"]
    asked = world.log("platform")
    assert len(asked) == 1, "the identity's token is kept"


@pytest.mark.usefixtures("on_a_machine")
async def test_an_identity_that_the_machine_does_not_have(world, registration, events):
    registration.identity()
    stranger = "11111111-1111-4111-8111-111111111111"
    with server(world, managed_identity_client_id=stranger) as serving:
        assert "not set up correctly" in await name_told(world, serving.url)
    (failed,) = events("exchange")
    assert failed["outcome"] == "ClientMisconfigured"
    assert failed["reason"].startswith("OBO_MCP_MANAGED_IDENTITY_CLIENT_ID: ")
    assert "Assign the user-assigned identity" in failed["cure"]
    assert events("credential")[0]["outcome"] == "unusable"


async def test_no_platform_at_all(world, monkeypatch, events):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    identity = world.about["apps"]["managed-identity"]["client_id"]
    with server(world, managed_identity_client_id=identity) as serving:
        assert "try again" in await name_told(world, serving.url)
    assert events("exchange")[0]["outcome"] == "TokenEndpointUnavailable"
    assert events("credential")[0]["outcome"] == "unavailable"


@pytest.mark.promise("P-22")
async def test_a_workload_identity_whose_token_is_renewed(world, registration, tmp_path):
    path = tmp_path / "azure-identity-token"
    path.write_text(registration.account_token())
    registration.cluster()
    with server(world, federated_token_file=path) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]
        path.write_text(registration.account_token(lifetime_seconds=7200))
        assert await name_told(world, serving.url, "megan") == world.person("megan")["name"]


WRONG = {
    "subject": ({"service_account": "another"}, "700213", "subject"),
    "audience": ({"audience": "api://another"}, "700212", "audience"),
    "issuer": ({"claims": {"iss": "https://cluster.example"}}, "700211", "issuer"),
}


@pytest.mark.promise("P-22")
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_federated_token_that_does_not_match(world, registration, tmp_path, events, wrong):
    order, code, word = WRONG[wrong]
    path = tmp_path / "azure-identity-token"
    path.write_text(registration.account_token(**order))
    registration.cluster()
    with server(world, federated_token_file=path) as serving:
        assert "not set up correctly" in await name_told(world, serving.url)
    (failed,) = events("exchange")
    assert failed["outcome"] == "ClientMisconfigured"
    assert code in failed["reason"]
    assert f"the token's {word}" in failed["cure"]


async def test_a_federated_token_that_nobody_renewed(world, registration, tmp_path, events):
    path = tmp_path / "azure-identity-token"
    path.write_text(registration.account_token())
    registration.cluster()
    with server(world, federated_token_file=path) as serving:
        path.write_text(registration.account_token(lifetime_seconds=-60))
        assert "not set up correctly" in await name_told(world, serving.url)
    (failed,) = events("exchange")
    assert "expired" in failed["reason"]
    assert "service account" in failed["cure"]
    assert not world.exchanges(), "an expired token is not sent"


# --- the vault ------------------------------------------------------------------------------------


def vault_item(registration, kind, pair, **more):
    pfx = base64.b64encode(pair.pfx()).decode()
    app = registration.about["apps"][SERVER]
    values = {
        "secret": ("secrets", app["client_secret"], None),
        "pfx": ("certificates", pfx, "application/x-pkcs12"),
        "pem": ("certificates", pair.key_pem + pair.certificate_pem, "application/x-pem-file"),
    }
    folder, value, content_type = values[kind]
    body = {"value": value} | ({"content_type": content_type} if content_type else {}) | more
    registration.put("vault/mcp", **body)
    return f"{registration.world.url}/{folder}/mcp"


@pytest.mark.promise("P-22")
@pytest.mark.usefixtures("on_a_machine")
@pytest.mark.parametrize("kind", ["secret", "pfx", "pem"])
@pytest.mark.parametrize("way", ["own", "named"])
async def test_a_key_vault_by_managed_identity(world, registration, pair, kind, way):
    item = vault_item(registration, kind, pair, readers=["managed-identity"])
    registration.certificate(pair)
    identity = registration.machine["client_id"] if way == "named" else None
    with server(world, key_vault_item=item, managed_identity_client_id=identity) as serving:
        for person in ("adele", "megan"):
            assert await name_told(world, serving.url, person) == world.person(person)["name"]
    read = [entry["status"] for entry in world.log("vault")]
    assert read.count(200) == 1, "the vault is read once an hour"


async def test_a_key_vault_by_workload_identity(world, registration, pair, tmp_path):
    path = tmp_path / "azure-identity-token"
    path.write_text(registration.account_token())
    registration.cluster()
    item = vault_item(registration, "pfx", pair, readers=[SERVER])
    registration.certificate(pair)
    with server(world, key_vault_item=item, federated_token_file=path) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]


TROUBLE = {
    "not a reader": ({"readers": ["connection"]}, "mcp", "403", "Key Vault Secrets User"),
    "disabled": ({"enabled": False}, "mcp", "403", "enabled"),
    "not there": ({}, "other", "404", "no such"),
}


@pytest.mark.usefixtures("on_a_machine")
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_a_vault_that_gives_nothing(world, registration, pair, events, trouble):
    body, name, status, words = TROUBLE[trouble]
    item = vault_item(registration, "secret", pair, **body).removesuffix("mcp") + name
    with server(world, key_vault_item=item) as serving:
        assert "not set up correctly" in await name_told(world, serving.url)
    (failed,) = events("exchange")
    assert failed["reason"] == f"OBO_MCP_KEY_VAULT_ITEM: the vault answered {status}"
    assert words in failed["cure"]


@pytest.mark.usefixtures("on_a_machine")
async def test_nothing_of_the_vault_is_logged(world, registration, pair, caplog):
    caplog.set_level(logging.DEBUG)
    item = vault_item(registration, "secret", pair)
    with server(world, key_vault_item=item) as serving:
        await name_told(world, serving.url)
    ours = [line for line in caplog.records if line.name.startswith(("azure", "obo_mcp"))]
    written = "\n".join(line.getMessage() for line in ours)
    assert world.about["apps"][SERVER]["client_secret"] not in written
    assert "/secrets/mcp" not in written


# --- a function -----------------------------------------------------------------------------------


def with_function(world, function):
    def app(url):
        settings = world.settings(f"{url}/mcp", client_secret=None)
        obo, mcp = OnBehalfOf(settings, credential=function), MCPServer("test")
        trust = tls_context(settings.ca_bundle)

        @mcp.tool()
        async def my_name(token: Annotated[str, obo.token(GRAPH_SCOPE)]) -> str:
            async with httpx.AsyncClient(verify=trust, trust_env=False) as graph:
                me = await graph.get(
                    f"{world.url}/v1.0/me", headers={"Authorization": f"Bearer {token}"}
                )
            return me.json()["displayName"]

        return obo.protect(
            mcp.streamable_http_app(
                stateless_http=True, transport_security=obo.transport_security()
            )
        )

    return Serving(app)


@pytest.mark.promise("P-22")
async def test_a_function_of_the_developers(world, registration):
    registration.cluster()
    asked = []

    def assertion(context):
        asked.append(context["client_id"])
        return registration.account_token()

    with with_function(world, assertion) as serving:
        assert await name_told(world, serving.url) == world.person("adele")["name"]
    assert asked == [world.about["apps"][SERVER]["client_id"]]


async def test_an_expired_assertion_of_a_function(world, registration, events):
    registration.cluster()
    with with_function(world, lambda: registration.account_token(lifetime_seconds=-60)) as serving:
        assert "not set up correctly" in await name_told(world, serving.url)
    (failed,) = events("exchange")
    assert "700024" in failed["reason"]
    assert "clock" in failed["cure"]


# --- agent identities -----------------------------------------------------------------------------


def as_agent(world, agent="agent-identity", **options):
    apps = world.about["apps"]
    blueprint = {
        "client_id": apps["blueprint"]["client_id"],
        "client_secret": apps["blueprint"]["client_secret"],
        "required_scope": "access_agent",
        "agent_identity_id": apps[agent]["client_id"],
    }
    return server(world, **(blueprint | options))


FOR_AGENT = {"resource": "blueprint", "scopes": ["access_agent"]}


@asynccontextmanager
async def agreed(world):
    """Everybody's administrator has agreed to what the blueprint's agents may do."""
    body = {"client": "blueprint", "resource": "graph", "scopes": ["User.Read"]}
    world._ask("PUT", "/_tenant/consents", body)
    yield
    world._ask("DELETE", "/_tenant/consents", body)


@pytest.mark.promise("P-22")
async def test_an_agent_identity(world):
    async with agreed(world):
        with as_agent(world) as serving:
            for person in ("adele", "megan"):
                told = await name_told(world, serving.url, person, **FOR_AGENT)
                assert told == world.person(person)["name"]
    names = [entry["client_name"] for entry in world.log("token")]
    assert names == ["blueprint", "agent-identity", "agent-identity"], "T1 is kept"


@pytest.mark.promise("P-22")
@pytest.mark.usefixtures("on_a_machine")
async def test_an_agent_identity_without_any_secret(world, registration):
    registration.identity("blueprint")
    async with agreed(world):
        with as_agent(
            world,
            client_secret=None,
            managed_identity_client_id=registration.machine["client_id"],
        ) as serving:
            told = await name_told(world, serving.url, **FOR_AGENT)
    assert told == world.person("adele")["name"]


@pytest.mark.promise("P-22")
async def test_an_agent_of_another_blueprint(world, events):
    async with agreed(world):
        with as_agent(world, agent="other-agent") as serving:
            assert "not set up correctly" in await name_told(world, serving.url, **FOR_AGENT)
    (failed,) = events("exchange")
    assert failed["outcome"] == "ClientMisconfigured"
    assert "AADSTS[700213]" in failed["reason"]
    assert "subject" in failed["cure"]


async def test_a_blueprint_with_a_wrong_secret(world, events):
    async with agreed(world):
        with as_agent(world, client_secret="not-the-blueprints") as serving:
            assert "not set up correctly" in await name_told(world, serving.url, **FOR_AGENT)
    (failed,) = events("exchange")
    assert "7000215" in failed["reason"]
    assert "OBO_MCP_CLIENT_SECRET" in failed["cure"]
    told = events("credential")
    assert told[0]["setting"] == "OBO_MCP_AGENT_IDENTITY_ID"
    assert told[0]["outcome"] == "refused"
