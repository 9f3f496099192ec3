"""The control switch that makes answers go wrong: `PUT` and `DELETE /_tenant/faults`."""

import re
from types import MappingProxyType
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.fault_bodies import FORMS, Form
from obo_tenant.faults import Fault, FaultPlace
from obo_tenant.fields import BadSwitch, Fields, person_named, tenant_named
from obo_tenant.tenant import Tenant

_PLACES: MappingProxyType[str, FaultPlace] = MappingProxyType(
    {"token": "token", "keys": "keys", "graph": "graph"}
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]{0,4000}")
_FRAMING = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})
_PATH = re.compile(r"/[A-Za-z0-9_/${}().:*-]{1,200}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_LARGEST_SEED = 2**53


class FaultSwitches:
    """Sets faults and takes them back. A bad body changes nothing."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def set_fault(self, request: Request) -> Response:
        """`PUT /_tenant/faults`: the next answers there go wrong.

        `where` is token, keys or graph; `person` and `tenant` say whose requests, `count` how many
        (1), `probability` that it is left to chance (then several may be told apart by `name`,
        and `seed` begins the drawing anew). `delay_seconds` passes before it strikes. The answer is
        made of `status`, `headers` and a JSON `body`; without a body it is what the service would
        say.

        At Graph also: `method`; `path`, as the log shows it (`/v1.0/me/messages/{message}/send`;
        its beginning is enough, and `*` stands for anything); `form` for what is not JSON: `html`
        (the page of a gateway), `empty`, `reset` (the connection is cut without an answer),
        `partial` (and within one); `after`: true for Graph to do the work and then lose the answer.
        A batch is struck as a whole at `/v1.0/$batch`, and each request in it at its own path.
        """
        fields = await Fields.of(request)
        fault = self._fault(fields)
        seed = fields.whole("seed", None, 0, _LARGEST_SEED)
        fields.end()
        try:
            self._tenant.faults.add(fault)
        except ValueError as reason:
            raise BadSwitch(f"probability: {reason}") from None
        if seed is not None:
            self._tenant.faults.seed(seed)
        return Response(status_code=204)

    async def clear_faults(self, _request: Request) -> Response:
        """`DELETE /_tenant/faults`."""
        self._tenant.faults.clear()
        return Response(status_code=204)

    def _fault(self, fields: Fields) -> Fault:
        where, (oid, tenant_id) = _place(fields), self._whose(fields)
        if tenant_id is not None and where == "graph":
            raise BadSwitch("tenant: Graph is one for both; name a person")
        method, path, form, after = _at_graph(fields, where)
        return Fault(
            where=where,
            oid=oid,
            tenant_id=tenant_id,
            method=method,
            path=path,
            form=form,
            after=after,
            status=fields.whole("status", None, 200, 599),
            headers=_headers(fields.mapping("headers") or {}),
            body=fields.mapping("body"),
            count=fields.whole("count", 1, 1, 1_000_000) or 1,
            delay_seconds=fields.number("delay_seconds", 0.0, 60.0),
            probability=fields.number("probability", 1.0, 1.0),
            name=fields.text("name") or "",
        )

    def _whose(self, fields: Fields) -> tuple[str | None, str | None]:
        key, tenant = fields.text("person"), tenant_named(self._tenant, fields.text("tenant"))
        oid = person_named(self._tenant, key, tenant)[1].person.oid if key else None
        return oid, tenant.tenant_id if tenant else None


def _place(fields: Fields) -> FaultPlace:
    where = fields.needed("where")
    if where not in _PLACES:
        raise BadSwitch("where must be token, keys or graph")
    return _PLACES[where]


def _at_graph(
    fields: Fields, where: FaultPlace
) -> tuple[str | None, str | None, Form | None, bool]:
    method, path, form = fields.text("method"), fields.text("path"), fields.text("form")
    after = bool(fields.flag("after"))
    if where != "graph" and (method or path or form or after):
        raise BadSwitch("method, path, form and after are for graph")
    if method is not None and method not in _METHODS:
        raise BadSwitch("method must be GET, POST, PUT, PATCH or DELETE")
    if path is not None and not _PATH.fullmatch(path):
        raise BadSwitch("path must be one as the log shows it, or a pattern with *")
    if form is not None and form not in FORMS:
        raise BadSwitch("form must be html, empty, reset or partial")
    return method, path, cast("Form | None", form), after


def _headers(wanted: dict[str, Any]) -> dict[str, str]:
    """The headers of a fault, which must not break the answer they go into (RFC 9110 5.1, 5.5)."""
    headers = {name: str(value) for name, value in wanted.items()}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
            raise BadSwitch(f"headers: {name!r} is no name that a fault can use")
        if not _HEADER_VALUE.fullmatch(value):
            raise BadSwitch(f"headers: the value of {name} cannot be sent in a header")
    return headers
