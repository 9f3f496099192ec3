"""A Graph on its own: tokens are `oid|scope scope`, the clock is set by hand."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from obo_tenant.faults import Disturbance
from obo_tenant.graph.quirks import Quirks
from obo_tenant.graph.routes import graph_routes
from obo_tenant.graph.seed.person import belongings
from obo_tenant.graph.seed.templates import load_templates
from obo_tenant.graph.store import Store
from obo_tenant.people import PEOPLE

ORIGIN = "https://graph.test"
START = 1795000000.0  # a Wednesday in November 2026
OIDS = {person.key: person.oid for person in PEOPLE}
EVERYTHING = (
    "User.Read MailboxSettings.Read Mail.Read Calendars.Read Files.Read Files.Read.All "
    "Sites.Read.All"
)


@dataclass
class Graph:
    """The routes under test, what they recorded, and the switches of a test."""

    now: float = START
    log: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    quirks: Quirks = field(default_factory=Quirks)

    def __post_init__(self):
        routes = graph_routes(
            check_token=self._check,
            fault=self._fault,
            record=lambda **fields: self.log.append(fields),
            base_url=ORIGIN + "/",
            clock=lambda: self.now,
            quirks=self.quirks,
        )
        self.app = Starlette(routes=routes)
        self.client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False)

    def bearer(self, who="adele", scopes=EVERYTHING, app="app-1"):
        claims = {"oid": OIDS.get(who, who), "appid": app, "scp": scopes}
        return urlsafe_b64encode(json.dumps(claims).encode()).decode()

    def get(self, path, who="adele", scopes=EVERYTHING, **headers):
        return self.client.get(self._url(path), headers=self.headers(who, scopes, **headers))

    def post(self, path, body, who="adele", scopes=EVERYTHING):
        return self.client.post(self._url(path), json=body, headers=self.headers(who, scopes))

    def send(self, method, path, body=None, who="adele", scopes=EVERYTHING, **headers):
        """Any other verb, with JSON."""
        given = self.headers(who, scopes, **headers)
        return self.client.request(method, self._url(path), json=body, headers=given)

    def every(self, path, **more):
        """All items of a collection, following the links to the end."""
        found, url = [], path
        while url:
            answer = self.get(url, **more)
            assert answer.status_code == 200, answer.text
            found += answer.json()["value"]
            url = answer.json().get("@odata.nextLink")
        return found

    def headers(self, who="adele", scopes=EVERYTHING, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"Authorization": f"Bearer {self.bearer(who, scopes)}", **given}

    def many_at_once(self):
        """A client for real interleaving on one event loop."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN)

    def _url(self, path):
        return path if path.startswith(("http", "/_")) else f"/v1.0{path}"

    def _check(self, token):
        try:
            return json.loads(urlsafe_b64decode(token))
        except ValueError:
            raise PermissionError("IDX14100: JWT is not well formed.") from None

    async def _fault(self, oid, method, path):
        self.asked.append((method, path))
        answer = await self.faults.pop(0)(oid) if self.faults else None
        return answer if isinstance(answer, Disturbance) else Disturbance(answer)


@pytest.fixture(scope="session")
def shared_graph():
    return Graph()


@pytest.fixture
def graph(shared_graph):
    """A Graph whose switches are back at the start; the seeded data is shared and read-only."""
    shared_graph.now = START
    shared_graph.log.clear()
    shared_graph.faults.clear()
    shared_graph.asked.clear()
    shared_graph.quirks.reset()
    return shared_graph


@pytest.fixture
def fresh_graph():
    """A Graph of its own for tests that write."""
    return Graph()


@pytest.fixture
def make_graph():
    """Make a client of a Graph with another token check."""

    def make(check_token):
        async def fault(_oid, _method, _path):
            return Disturbance()

        routes = graph_routes(
            check_token=check_token,
            fault=fault,
            record=lambda **_fields: None,
            base_url=ORIGIN,
            clock=lambda: START,
        )
        return TestClient(Starlette(routes=routes))

    return make


@pytest.fixture
def make_store():
    """Make a store that tells whom it made."""

    def make(limit):
        made, templates = [], load_templates()

        def create(profile):
            made.append(profile.oid)
            return belongings(profile, datetime.fromtimestamp(START, UTC), templates)

        return Store(create, synthetic_limit=limit), made

    return make
