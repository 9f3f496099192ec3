"""A running tenant, and a program and a browser that talk to it over TLS."""

import html
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import msal
import pytest
import requests

from obo_tenant.serve import LocalTenant

OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange/.default"
GRAPH_DEFAULT = "https://graph.microsoft.com/.default"


class Browser:
    """Follows the pages as a person would, and stops where the tenant sends it elsewhere."""

    def __init__(self, world):
        self.world = world
        self.http = httpx.Client(
            verify=world.trust, trust_env=False, base_url=world.url, headers={"accept": "text/html"}
        )

    def authorize(self, **changes):
        query = {
            "client_id": self.world.apps["user-app"]["client_id"],
            "response_type": "code",
            "redirect_uri": "http://localhost:8400",
            "scope": "openid https://ai.azure.com/user_impersonation",
            "state": "s-1",
        } | changes
        query = {name: value for name, value in query.items() if value is not None}
        return self.http.get(f"/{self.world.tenant_id}/oauth2/v2.0/authorize", params=query)

    def fill_in(self, page, path, **fields):
        return self.http.post(path, data=hidden(page) | fields)

    def sign_in(self, page, key="adele", password=None):
        person = self.world.people[key]
        return self.fill_in(
            page,
            "/signin",
            name=person["user_principal_name"],
            password=password or person["password"],
        )

    def decide(self, page, decision="accept"):
        return self.fill_in(page, "/consent", decision=decision)

    def enter_code(self, user_code):
        return self.fill_in(self.http.get("/devicelogin"), "/devicelogin", user_code=user_code)


class World:
    """One running tenant with what a test needs to know of it."""

    def __init__(self, local):
        self.local = local
        self.url = local.url
        self.trust = ssl.create_default_context(cafile=str(local.ca_path))
        self.http = httpx.Client(verify=self.trust, trust_env=False, base_url=local.url)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(local.ca_path)
        self._browsers = []
        info = self.http.get("/_tenant/").json()
        self.info, self.apps, self.people = info, info["apps"], info["people"]
        self.tenant_id, self.authority = info["tenant_id"], info["authority"]

    def close(self):
        for client in (self.http, self.session, *(each.http for each in self._browsers)):
            client.close()

    def browser(self):
        self._browsers.append(Browser(self))
        return self._browsers[-1]

    def switch(self, method, path, body=None):
        answer = self.http.request(method, f"/_tenant{path}", json=body)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json() if answer.content else None

    def mint(self, resource="mcp-server", **order):
        return self.switch("POST", "/tokens", {"resource": resource, **order})["access_token"]

    def credentials(self, app):
        known = self.apps[app]
        return {
            "client_id": known["client_id"],
            **({"client_secret": known["client_secret"]} if "client_secret" in known else {}),
        }

    def post_token(self, app="mcp-server", headers=None, **form):
        fields = self.credentials(app) | form
        sent = {name: value for name, value in fields.items() if value is not None}
        path = f"/{self.tenant_id}/oauth2/v2.0/token"
        return self.http.post(path, data=sent, headers=headers)

    def asserted(self, assertion):
        """The form fields of a client that proves itself by a signed token."""
        return {
            "client_secret": None,
            "client_assertion": assertion,
            "client_assertion_type": ASSERTION_TYPE,
        }

    def exchange_token(self, agent="agent-identity", blueprint="blueprint", **form):
        """What a blueprint gets to speak for an agent with."""
        path = self.apps.get(agent, {}).get("client_id", agent)
        fields = {"grant_type": "client_credentials", "scope": EXCHANGE, "fmi_path": path} | form
        return self.post_token(blueprint, **fields).json()["access_token"]

    def app_token(self, app, **form):
        """What an application gets for itself; an agent by its blueprint's word."""
        proof = self.asserted(self.exchange_token(app)) if "blueprint" in self.apps[app] else {}
        scope = f"{self.apps['mcp-server']['identifier_uri']}/.default"
        fields = {"grant_type": "client_credentials", "scope": scope} | proof | form
        return self.post_token(app, **fields).json()["access_token"]

    def obo(self, assertion=None, **form):
        fields = {
            "grant_type": OBO,
            "assertion": assertion or self.mint(),
            "scope": GRAPH_DEFAULT,
            "requested_token_use": "on_behalf_of",
        } | form
        return self.post_token(**fields)

    def claims(self, token):
        return jwt.decode(token, options={"verify_signature": False})

    def msal_public(self):
        return msal.PublicClientApplication(
            self.apps["user-app"]["client_id"],
            authority=self.authority,
            instance_discovery=False,
            http_client=self.session,
        )

    def msal_confidential(self, app="mcp-server", authority=None, credential=None):
        return msal.ConfidentialClientApplication(
            self.apps[app]["client_id"],
            client_credential=credential or self.apps[app]["client_secret"],
            authority=authority or self.authority,
            instance_discovery=False,
            http_client=self.session,
        )

    def log(self):
        return self.switch("GET", "/log")["entries"]


def hidden(page):
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


def landed(response):
    """What a redirect to the client carries in its query."""
    assert response.status_code == 302, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def refused(response, code, error, status=400):
    """Check the true shape of a refusal, and give its body."""
    body = response.json()
    assert body.get("error_codes") == [code], body
    assert (body["error"], response.status_code) == (error, status)
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    for part in ("trace_id", "correlation_id", "timestamp"):
        assert body[part] in body["error_description"]
    assert "retry-after" not in response.headers
    return body


@contextmanager
def running(**options):
    with LocalTenant(**options) as local:
        world = World(local)
        yield world
        world.close()


@pytest.fixture(scope="session")
def stopping():
    """Tenants stop here, beside the tests that follow."""
    with ThreadPoolExecutor() as pool:
        stops = []
        yield lambda stack: stops.append(pool.submit(stack.close))
        for stop in stops:
            stop.result()


@pytest.fixture(scope="session")
def world():
    """A tenant that nobody changes."""
    with running() as started:
        yield started


@pytest.fixture
def own_world(stopping):
    """A tenant for this test alone."""
    stack = ExitStack()
    yield stack.enter_context(running())
    stopping(stack)


@pytest.fixture
def timed_world(stopping, clock):
    """A tenant whose time stands still until `clock` is advanced."""
    stack = ExitStack()
    yield stack.enter_context(running(clock=clock.now))
    stopping(stack)


@pytest.fixture(scope="session")
def check_refused():
    return refused


@pytest.fixture(scope="session")
def check_landed():
    return landed


@pytest.fixture(scope="session")
def hidden_fields():
    return hidden
