"""The OpenID userinfo endpoint, which at Entra is part of Graph (`/oidc/userinfo`)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.mint import pairwise
from obo_tenant.tenant import Tenant


def userinfo_routes(tenant: Tenant) -> list[BaseRoute]:
    """`GET` and `POST /oidc/userinfo` with a Graph token (OpenID Connect Core 5.3)."""

    async def userinfo(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = tenant.check_graph_token(token.strip() if scheme.lower() == "bearer" else "")
        except PermissionError as reason:
            return _refused(str(reason))
        if "openid" not in str(claims.get("scp", "")).split():
            return _refused("The token was not issued for sign-in.")
        return JSONResponse(_person(claims))

    return [Route("/oidc/userinfo", userinfo, methods=["GET", "POST"])]


def _person(claims: dict[str, Any]) -> dict[str, Any]:
    names = {"name", "given_name", "family_name"}
    shown = {name: value for name, value in claims.items() if name in names}
    return {"sub": pairwise(str(claims.get("oid")), str(claims.get("appid"))), **shown}


def _refused(words: str) -> Response:
    body = {"error": {"code": "InvalidAuthenticationToken", "message": words}}
    return JSONResponse(body, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
