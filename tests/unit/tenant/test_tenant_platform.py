"""Managed identity: where a workload on Azure gets its tokens, and what they are good for."""

import socket
import threading

import httpx
import msal
import pytest
import requests
import uvicorn
from starlette.applications import Starlette

from obo_tenant.platform import platform_routes

AUDIENCE = "api://AzureADTokenExchange"
EXCHANGE_ID = "fb60f99c-7a34-4190-8149-302f77469936"
DEFAULT = "https://graph.microsoft.com/.default"
IMDS = "/metadata/identity/oauth2/token"
OTHER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def on_a_machine(world, monkeypatch):
    surroundings = world.info["platform"]
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    name = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    monkeypatch.setenv(name, surroundings[name])


@pytest.fixture
def on_app_service(world, monkeypatch):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, world.info["platform"][name])


def identity_client(world, **named):
    known = named or {"client_id": world.apps["managed-identity"]["client_id"]}
    identity = msal.UserAssignedManagedIdentity(**known)
    return msal.ManagedIdentityClient(identity, http_client=world.session)


def check_exchange_token(world, token):
    claims, identity = world.claims(token), world.apps["managed-identity"]
    assert (claims["aud"], claims["iss"]) == (EXCHANGE_ID, world.info["issuer"])
    assert claims["oid"] == claims["sub"] == identity["principal_id"]
    assert (claims["azp"], claims["azpacr"]) == (identity["client_id"], "2")
    assert (claims["idtyp"], claims["tid"]) == ("app", world.tenant_id)
    assert claims["exp"] - claims["iat"] == 24 * 3600


@pytest.mark.parametrize("place", ["on_a_machine", "on_app_service"])
def test_msal_gets_the_managed_identitys_token(world, request, place):
    request.getfixturevalue(place)
    result = identity_client(world).acquire_token_for_client(resource=AUDIENCE)
    assert "error" not in result, result
    assert 24 * 3600 - 60 < result["expires_in"] <= 24 * 3600
    check_exchange_token(world, result["access_token"])


@pytest.mark.parametrize("place", ["on_a_machine", "on_app_service"])
def test_msal_is_told_that_an_identity_is_not_there(world, request, place):
    request.getfixturevalue(place)
    client = identity_client(world, client_id=OTHER)
    result = client.acquire_token_for_client(resource=AUDIENCE)
    assert "access_token" not in result
    assert "dentity" in result["error_description"]


def test_msal_exchanges_as_the_application_that_trusts_the_identity(own_world, monkeypatch):
    world = own_world
    name = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    monkeypatch.setenv(name, world.info["platform"][name])
    subject = world.apps["managed-identity"]["principal_id"]
    body = {"issuer": world.info["issuer"], "subject": subject}
    world.switch("PUT", "/apps/mcp-server/federated", body)
    identity = identity_client(world)
    app = world.msal_confidential(
        credential={
            "client_assertion": lambda: identity.acquire_token_for_client(resource=AUDIENCE)[
                "access_token"
            ]
        }
    )
    for assertion in (world.mint(), world.mint(person="megan")):
        result = app.acquire_token_on_behalf_of(assertion, [DEFAULT])
        assert "error" not in result, result.get("error_description")
        assert world.claims(result["access_token"])["appidacr"] == "2"
    asked = [entry for entry in world.log() if entry["where"] == "platform"]
    assert [(entry["status"], entry["client_name"]) for entry in asked] == [
        (200, "managed-identity")
    ]


def test_nobody_is_the_managed_identity_by_a_secret(world, check_refused):
    answer = world.post_token(
        "managed-identity", grant_type="client_credentials", scope=DEFAULT, client_secret="guess"
    )
    check_refused(answer, 7000215, "invalid_client", 401)


def imds(world, headers=None, **query):
    asked = {"api-version": "2018-02-01", "resource": AUDIENCE} | query
    told = {name: value for name, value in asked.items() if value is not None}
    headers = {"Metadata": "true"} if headers is None else headers
    return world.http.get(IMDS, params=told, headers=headers)


def test_the_machine_answers_in_strings(world):
    body = imds(world).json()
    assert {type(value) for value in body.values()} == {str}
    assert (body["token_type"], body["resource"]) == ("Bearer", AUDIENCE)
    assert int(body["expires_on"]) - int(body["not_before"]) == int(body["expires_in"])


@pytest.mark.parametrize(
    ("headers", "query", "error"),
    [
        ({}, {}, "bad_request_102"),
        ({"Metadata": "false"}, {}, "bad_request_102"),
        (None, {"api-version": None}, "invalid_request"),
        (None, {"api-version": "2017-01-01"}, "invalid_request"),
        (None, {"resource": None}, "invalid_request"),
        (None, {"resource": "api://nowhere"}, "invalid_resource"),
        (None, {"client_id": OTHER}, "invalid_request"),
        (None, {"object_id": OTHER}, "invalid_request"),
        (None, {"msi_res_id": "/subscriptions/x"}, "invalid_request"),
    ],
)
def test_the_machine_refuses_in_its_own_words(world, headers, query, error):
    answer = imds(world, headers, **query)
    assert (answer.status_code, answer.json().keys()) == (400, {"error", "error_description"})
    assert answer.json()["error"] == error


def test_an_identity_may_be_named_by_its_object_or_not_at_all(world):
    identity = world.apps["managed-identity"]
    for query in ({}, {"object_id": identity["principal_id"]}):
        check_exchange_token(world, imds(world, **query).json()["access_token"])


def app_service(world, headers=None, **query):
    surroundings = world.info["platform"]
    asked = {"api-version": "2019-08-01", "resource": AUDIENCE} | query
    told = {name: value for name, value in asked.items() if value is not None}
    default = {"X-IDENTITY-HEADER": surroundings["IDENTITY_HEADER"]}
    return world.http.get(
        surroundings["IDENTITY_ENDPOINT"],
        params=told,
        headers=default if headers is None else headers,
    )


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, {}, 401),
        ({"X-IDENTITY-HEADER": "guess"}, {}, 401),
        ({"Metadata": "true"}, {}, 401),
        (None, {"api-version": "2018-02-01"}, 400),
        (None, {"resource": None}, 400),
        (None, {}, 400),  # no system-assigned identity is there
        (None, {"client_id": OTHER}, 400),
    ],
)
def test_app_service_refuses_in_its_own_words(world, headers, query, status):
    answer = app_service(world, headers, **query)
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
    assert answer.json().keys() == {"statusCode", "message", "correlationId"}


def test_a_vaults_token_is_of_the_older_kind(world):
    identity = world.apps["managed-identity"]["client_id"]
    body = app_service(world, resource="https://vault.azure.net", client_id=identity).json()
    claims = world.claims(body["access_token"])
    assert (claims["aud"], claims["ver"]) == ("https://vault.azure.net", "1.0")
    assert (claims["appid"], claims["appidacr"]) == (identity, "2")


class Server(uvicorn.Server):
    """Says when it accepts connections."""

    def __init__(self, config):
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        self.ready.set()


def test_the_endpoints_can_be_served_over_plain_http_as_on_azure(world, monkeypatch):
    app = Starlette(routes=platform_routes(world.local.tenant))
    server = Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        server.ready.wait()
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", origin)
        identity = {"client_id": world.apps["managed-identity"]["client_id"]}
        with requests.Session() as session:
            session.trust_env = False
            client = msal.ManagedIdentityClient(
                msal.UserAssignedManagedIdentity(**identity), http_client=session
            )
            result = client.acquire_token_for_client(resource=AUDIENCE)
        with httpx.Client(trust_env=False) as http:
            assert http.get(origin + IMDS).status_code == 400
        server.should_exit = True
        thread.join(10)
    check_exchange_token(world, result["access_token"])
