"""The control switches under `/_tenant/`: look at the tenant, and disturb it on purpose."""

import re
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from obo_tenant.apps import GRAPH_AUDIENCE, Application
from obo_tenant.control_tokens import TokenSwitches
from obo_tenant.directory import Account, Directory
from obo_tenant.faults import Fault, FaultPlace
from obo_tenant.fields import BadSwitch, Fields, app_named, person_named, tenant_named
from obo_tenant.guard import LoopbackOnly
from obo_tenant.people import Person
from obo_tenant.tenant import Tenant

_PLACES: MappingProxyType[str, FaultPlace] = MappingProxyType(
    {"token": "token", "keys": "keys", "graph": "graph"}
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]{0,4000}")
_FRAMING = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})
_Endpoint = Callable[[Request], Awaitable[Response]]
_Consent = tuple[Application, Application, Account | None, tuple[str, ...]]


class Connected(Protocol):
    """The agent stand-in, as far as a switch reaches it."""

    server_url: str | None


def control_routes(tenant: Tenant, agent: Connected) -> list[BaseRoute]:
    """The switches, behind their guard."""
    switches, tokens = Switches(tenant, agent), TokenSwitches(tenant)
    table: list[tuple[str, str, _Endpoint]] = [
        ("/", "GET", switches.overview),
        ("/tokens", "POST", tokens.token),
        ("/people", "POST", tokens.people),
        ("/faults", "PUT", switches.set_fault),
        ("/faults", "DELETE", switches.clear_faults),
        ("/log", "GET", switches.read_log),
        ("/log", "DELETE", switches.clear_log),
        ("/apps/{name}", "PATCH", switches.change_app),
        ("/people/{key}", "PATCH", switches.change_person),
        ("/consents", "PUT", switches.consent),
        ("/consents", "DELETE", switches.withdraw),
        ("/keys/rotate", "POST", switches.rotate),
        ("/connection", "PUT", switches.connect),
    ]
    routes = [Route(path, _answering(end), methods=[method]) for path, method, end in table]
    guard = Middleware(LoopbackOnly, base_url=tenant.base_url)
    return [Mount("/_tenant", routes=routes, middleware=[guard])]


class Switches:
    """Every switch but those that make tokens. A bad body changes nothing."""

    def __init__(self, tenant: Tenant, agent: Connected) -> None:
        self._tenant = tenant
        self._agent = agent

    async def overview(self, _request: Request) -> Response:
        """What a client needs to know to begin. Synthetic people are left out."""
        tenant = self._tenant
        apps = {app.name: _shown_app(app) for app in _shown_apps(tenant)}
        return JSONResponse(
            {
                **_shown_tenant(tenant),
                "graph_url": tenant.base_url,
                "graph_resource": GRAPH_AUDIENCE,
                "ca_path": str(tenant.ca_path),
                "apps": apps,
                "neighbour": {
                    **_shown_tenant(tenant.cloud.neighbour),
                    "apps": [app.name for app in _shown_apps(tenant.cloud.neighbour)],
                },
            }
        )

    async def set_fault(self, request: Request) -> Response:
        """`PUT /_tenant/faults`."""
        fields = await Fields.of(request)
        where = fields.needed("where")
        if where not in _PLACES:
            raise BadSwitch("where must be token, keys or graph")
        key, tenant = fields.text("person"), tenant_named(self._tenant, fields.text("tenant"))
        if tenant is not None and where == "graph":
            raise BadSwitch("tenant: Graph is one for both; name a person")
        headers = _headers(fields.mapping("headers") or {})
        fault = Fault(
            where=_PLACES[where],
            oid=person_named(self._tenant, key, tenant)[1].person.oid if key else None,
            tenant_id=tenant.tenant_id if tenant else None,
            status=fields.whole("status", None, 200, 599),
            headers=headers,
            body=fields.mapping("body"),
            count=fields.whole("count", 1, 1, 1_000_000) or 1,
            delay_seconds=fields.number("delay_seconds", 0.0, 60.0),
        )
        fields.end()
        self._tenant.faults.add(fault)
        return _done()

    async def clear_faults(self, _request: Request) -> Response:
        """`DELETE /_tenant/faults`."""
        self._tenant.faults.clear()
        return _done()

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
        fields.end()
        if version is not None:
            for each in self._tenant.cloud.tenants:
                each.directory.set_token_version(app.name, version)
        return _done()

    async def change_person(self, request: Request) -> Response:
        """`PATCH /_tenant/people/{key}`."""
        fields = await Fields.of(request)
        _, account = person_named(self._tenant, request.path_params["key"])
        enabled = fields.flag("enabled", default=None)
        revoked = fields.flag("sessions_revoked", default=None)
        fields.end()
        if enabled is not None:
            account.enabled = enabled
        if revoked is True:
            account.revoke_sessions()
        elif revoked is False:
            account.revoked.clear()
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


def _headers(wanted: dict[str, Any]) -> dict[str, str]:
    """The headers of a fault, which must not break the answer they go into (RFC 9110 5.1, 5.5)."""
    headers = {name: str(value) for name, value in wanted.items()}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
            raise BadSwitch(f"headers: {name!r} is no name that a fault can use")
        if not _HEADER_VALUE.fullmatch(value):
            raise BadSwitch(f"headers: the value of {name} cannot be sent in a header")
    return headers


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError unless it is a port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _done() -> Response:
    return Response(status_code=204)


def _shown_app(app: Application) -> dict[str, Any]:
    shown: dict[str, Any] = {"client_id": app.client_id}
    if app.secret is not None:
        shown["client_secret"] = app.secret
    if app.identifier_uris:
        shown["identifier_uri"] = app.identifier_uris[0]
    return shown | {
        "scopes": list(app.scopes),
        "app_roles": list(app.app_roles),
        "redirect_uris": list(app.redirect_uris),
    }


def _shown_apps(tenant: Tenant) -> list[Application]:
    return [app for app in tenant.directory.apps if app.name != "graph"]


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
