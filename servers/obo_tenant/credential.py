"""Which application calls the token endpoint, and is it really that one?

`client_secret_post` and `client_secret_basic` (RFC 6749 section 2.3.1). No certificate and no
federated credential is registered here, so a client assertion is always refused.
"""

import base64
import hmac
from urllib.parse import unquote_plus

from starlette.requests import Request

from obo_tenant.apps import Application
from obo_tenant.directory import Directory
from obo_tenant.form import required
from obo_tenant.refusal import Refusal


def authenticate(request: Request, form: dict[str, str], directory: Directory) -> Application:
    """The application that the request comes from.

    Raises:
        Refusal: 900144 no client id, 700016 unknown, 700025 a public client with a credential,
            7000218 no credential, 7000215 wrong secret, 700027 unknown certificate.
    """
    fields = form | _basic(request, form)
    client = directory.app_by_id(required(fields, "client_id"))
    if client is None:
        raise Refusal(700016, app=fields["client_id"])
    secret, assertion = fields.get("client_secret"), fields.get("client_assertion")
    if client.public:
        if secret or assertion:
            raise Refusal(700025)
        return client
    if not secret and assertion:
        raise Refusal(700027, app=client.client_id)
    if not secret:
        raise Refusal(7000218)
    if client.secret is None or not hmac.compare_digest(secret.encode(), client.secret.encode()):
        raise Refusal(7000215, app=client.client_id)
    return client


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
