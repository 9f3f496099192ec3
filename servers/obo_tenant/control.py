"""The control switches under `/_tenant/`: look at the tenant, and disturb it on purpose."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from obo_tenant.apps import GRAPH_AUDIENCE, Application
from obo_tenant.control_credentials import credential_switches, shown_workload
from obo_tenant.control_faults import FaultSwitches
from obo_tenant.control_graph import GraphSwitches
from obo_tenant.control_people import PeopleSwitches
from obo_tenant.control_tokens import TokenSwitches
from obo_tenant.directory import Account, Directory
from obo_tenant.fields import BadSwitch, Fields, app_named, person_named, tenant_named
from obo_tenant.guard import LoopbackOnly
from obo_tenant.people import Person
from obo_tenant.redirect_uri import may_be_registered
from obo_tenant.tenant import Tenant

_Endpoint = Callable[[Request], Awaitable[Response]]
_Consent = tuple[Application, Application, Account | None, tuple[str, ...]]


class Connected(Protocol):
    """The agent stand-in, as far as a switch reaches it."""

    server_url: str | None


def control_routes(tenant: Tenant, agent: Connected) -> list[BaseRoute]:
    """The switches, behind their guard."""
    switches, tokens = Switches(tenant, agent), TokenSwitches(tenant)
    people, faults = PeopleSwitches(tenant), FaultSwitches(tenant)
    graph = GraphSwitches(tenant)
    table: list[tuple[str, str, _Endpoint]] = [
        ("/", "GET", switches.overview),
        ("/tokens", "POST", tokens.token),
        ("/people", "POST", tokens.people),
        ("/faults", "PUT", faults.set_fault),
        ("/faults", "DELETE", faults.clear_faults),
        ("/graph", "PUT", graph.set_quirks),
        ("/graph", "DELETE", graph.end_quirks),
        ("/log", "GET", switches.read_log),
        ("/log", "DELETE", switches.clear_log),
        ("/apps/{name}", "PATCH", switches.change_app),
        ("/people/{key}", "PATCH", people.change_person),
        ("/people/{key}/policy", "PUT", people.set_policy),
        ("/people/{key}/policy", "DELETE", people.end_policy),
        ("/people/{key}/revoke", "POST", people.revoke),
        ("/policies", "DELETE", people.end_policies),
        ("/user-consent", "PUT", people.set_user_consent),
        ("/consents", "PUT", switches.consent),
        ("/consents", "DELETE", switches.withdraw),
        ("/keys/rotate", "POST", switches.rotate),
        ("/connection", "PUT", switches.connect),
        *credential_switches(tenant),
    ]
    routes = [Route(path, _answering(end), methods=[method]) for path, method, end in table]
    guard = Middleware(LoopbackOnly, base_url=tenant.base_url)
    return [Mount("/_tenant", routes=routes, middleware=[guard])]


class Switches:
    """The switches that no other module has. A bad body changes nothing."""

    def __init__(self, tenant: Tenant, agent: Connected) -> None:
        self._tenant = tenant
        self._agent = agent

    async def overview(self, _request: Request) -> Response:
        """What a client needs to know to begin. Synthetic people are left out."""
        tenant = self._tenant
        apps = {app.name: _shown_app(app, tenant) for app in _shown_apps(tenant)}
        return JSONResponse(
            {
                **_shown_tenant(tenant),
                "graph_url": tenant.base_url,
                "graph_resource": GRAPH_AUDIENCE,
                "ca_path": str(tenant.ca_path),
                "apps": apps,
                **shown_workload(tenant),
                "neighbour": {
                    **_shown_tenant(tenant.cloud.neighbour),
                    "apps": [app.name for app in _shown_apps(tenant.cloud.neighbour)],
                },
            }
        )

    async def read_log(self, request: Request) -> Response:
        """`GET /_tenant/log?since=N`."""
        since = request.query_params.get("since", "0")
        if not since.isdecimal() or len(since) > 15:
            raise BadSwitch("since must be a whole number")
        return JSONResponse(self._tenant.log.since(int(since)))

    async def clear_log(self, _request: Request) -> Response:
        """`DELETE /_tenant/log`."""
        self._tenant.log.clear()
        return _done()

    async def change_app(self, request: Request) -> Response:
        """`PATCH /_tenant/apps/{name}`."""
        fields = await Fields.of(request)
        app = app_named(self._tenant.directory, request.path_params["name"])
        version = fields.whole("requested_access_token_version", None, 1, 2)
        uris, optional = fields.texts("redirect_uris"), fields.texts("optional_claims")
        fields.end()
        if not all(map(may_be_registered, uris or ())):
            raise BadSwitch("redirect_uris must be https, or http on localhost or 127.0.0.1")
        if set(optional or ()) - {"xms_cc"}:
            raise BadSwitch("optional_claims may name xms_cc only")
        for each in self._tenant.cloud.tenants:
            if version is not None:
                each.directory.set_token_version(app.name, version)
            if uris is not None:
                each.directory.set_redirect_uris(app.name, uris)
            if optional is not None:
                each.directory.set_optional_claims(app.name, optional)
        return _done()

    async def consent(self, request: Request) -> Response:
        """`PUT /_tenant/consents`: add to what was consented."""
        directory, consent = await self._consent_of(request)
        if not consent[3]:
            raise BadSwitch("scopes is missing")
        directory.consent(*consent)
        return _done()

    async def withdraw(self, request: Request) -> Response:
        """`DELETE /_tenant/consents`: take back those scopes, or all without any."""
        directory, consent = await self._consent_of(request)
        directory.withdraw(*consent)
        return _done()

    async def rotate(self, _request: Request) -> Response:
        """`POST /_tenant/keys/rotate`."""
        self._tenant.keys.rotate(self._tenant.clock())
        return JSONResponse({"kids": [key.kid for key in self._tenant.keys]})

    async def connect(self, request: Request) -> Response:
        """`PUT /_tenant/connection`."""
        fields = await Fields.of(request)
        url = fields.needed("server_url")
        fields.end()
        if not _is_web_url(url):
            raise BadSwitch("server_url must be an http or https URL")
        self._agent.server_url = url
        return _done()

    async def _consent_of(self, request: Request) -> tuple[Directory, _Consent]:
        fields = await Fields.of(request)
        key, named = fields.text("person"), tenant_named(self._tenant, fields.text("tenant"))
        tenant, account = named or self._tenant, None
        if key is not None:
            tenant, account = person_named(self._tenant, key, named)
        client = app_named(tenant.directory, fields.needed("client"))
        resource = app_named(tenant.directory, fields.needed("resource"))
        scopes = fields.texts("scopes") or ()
        fields.end()
        unknown = [scope for scope in scopes if scope not in resource.scopes]
        if unknown:
            raise BadSwitch(f"{resource.name} has no scope {unknown[0]!r}")
        return tenant.directory, (client, resource, account, scopes)


def _answering(endpoint: _Endpoint) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadSwitch as reason:
            return JSONResponse({"error": str(reason)}, 400)

    return answer


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError unless it is a port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _done() -> Response:
    return Response(status_code=204)


def _shown_app(app: Application, tenant: Tenant) -> dict[str, Any]:
    shown: dict[str, Any] = {"client_id": app.client_id, "principal_id": app.principal_id}
    secret = tenant.cloud.registrar.of(app).usable_secret(tenant.clock())
    if secret is not None:
        shown["client_secret"] = secret
    if app.parent is not None:
        shown["blueprint"] = app.parent
    if app.identifier_uris:
        shown["identifier_uri"] = app.identifier_uris[0]
    return shown | {
        "scopes": list(app.scopes),
        "app_roles": list(app.app_roles),
        "redirect_uris": list(app.redirect_uris),
    }


def _shown_apps(tenant: Tenant) -> list[Application]:
    return [app for app in tenant.directory.apps if not app.microsofts]


def _shown_tenant(tenant: Tenant) -> dict[str, Any]:
    return {
        "tenant_id": tenant.tenant_id,
        "domain": tenant.organization.domain,
        "authority": f"{tenant.base_url}/{tenant.tenant_id}",
        "issuer": tenant.mint.issuer_v2,
        "people": {each.key: _shown_person(each) for each in tenant.organization.people},
    }


def _shown_person(person: Person) -> dict[str, str]:
    return {
        "oid": person.oid,
        "name": person.name,
        "user_principal_name": person.user_principal_name,
        "password": person.password,
    }
