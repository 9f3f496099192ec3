"""Which application calls the token endpoint, and is it really that one?

`client_secret_post` and `client_secret_basic` (RFC 6749 section 2.3.1), or a signed token
(`client_assertion`, RFC 7523 section 2.2).
"""

import base64
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from starlette.requests import Request

from obo_tenant.apps import Application
from obo_tenant.client_assertion import check_client_assertion
from obo_tenant.form import required
from obo_tenant.refusal import Refusal

if TYPE_CHECKING:
    from obo_tenant.tenant import Tenant


def authenticate(request: Request, form: dict[str, str], tenant: "Tenant") -> Application:
    """The application that the request comes from, with how it proved that.

    Raises:
        Refusal: 900144 no client id, 700016 unknown, 700025 a public client with a credential,
            7000218 no credential, 7000215 wrong secret, 7000222 expired secret, or as
            `check_client_assertion`.
    """
    fields = form | _basic(request, form)
    client = tenant.directory.app_by_id(required(fields, "client_id"))
    if client is None:
        raise Refusal(700016, app=fields["client_id"])
    secret, assertion = fields.get("client_secret"), fields.get("client_assertion")
    if client.public:
        if secret or assertion:
            raise Refusal(700025)
        return replace(client, proof="0")
    if secret:
        _check_secret(tenant, client, secret)
        return replace(client, proof="1")
    if not assertion:
        raise Refusal(7000218)
    check_client_assertion(tenant, client, form)
    return replace(client, proof="2")


def _check_secret(tenant: "Tenant", client: Application, presented: str) -> None:
    known = [each for each in tenant.cloud.registrar.of(client).secrets if each.is_(presented)]
    if not known:
        raise Refusal(7000215, app=client.client_id)
    if all(each.expired(tenant.clock()) for each in known):
        raise Refusal(7000222, app=client.client_id)


def confidential(client: Application) -> None:
    """The grant needs a client that can keep a secret. Raises Refusal 7000218."""
    if client.public:
        raise Refusal(7000218)


def _basic(request: Request, form: dict[str, str]) -> dict[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except ValueError:  # no ASCII, no base64, or no UTF-8 inside
        raise Refusal(9002313) from None
    name, colon, secret = pair.partition(":")
    found = {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    if not colon or form.get("client_id", found["client_id"]) != found["client_id"]:
        raise Refusal(9002313)
    return found
