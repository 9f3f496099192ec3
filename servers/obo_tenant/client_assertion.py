"""A client that proves itself by a signed token: its certificate's, or one that it federates with.

RFC 7523 section 2.2; Entra, "Microsoft identity platform application authentication certificate
credentials" and "Workload identity federation": both come in the same two form fields.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obo_tenant.apps import Application
from obo_tenant.federated import check_federated
from obo_tenant.form import required
from obo_tenant.presented import Presented
from obo_tenant.refusal import Refusal
from obo_tenant.registered import RegisteredCertificate

if TYPE_CHECKING:
    from obo_tenant.tenant import Tenant

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def check_client_assertion(tenant: "Tenant", client: Application, form: dict[str, str]) -> None:
    """Whether the `client_assertion` in the form is that client's.

    Raises:
        Refusal: 900144 no type, 90023 another type, 50027 no JWT, 90014 without issuer, subject or
            audience, 5002738 another algorithm; then as `check_federated`, or for a certificate
            5002723, 700027, 700021, 700023, 700024.
    """
    if required(form, "client_assertion_type") != _JWT_BEARER:
        raise Refusal(90023, parameter="client_assertion_type")
    presented = Presented.of(form["client_assertion"])
    # Somebody else's token has a URL as its issuer, and the client's own its client id.
    if presented.federated:
        check_federated(tenant, client, presented)
    else:
        _check_own(tenant, client, presented)


def _check_own(tenant: "Tenant", client: Application, presented: Presented) -> None:
    certificate = _certificate_of(tenant, client, presented)
    now = tenant.clock()
    if not certificate.begins_at <= now < certificate.expires_at:
        raise _refusal(client, "expired", f"The key used is expired., {_period(certificate)}")
    if not presented.is_signed_by(certificate.public_key):
        reason = "Key was found, but use of the key to verify the signature failed."
        raise _refusal(client, "not registered", reason)
    if not {presented.issuer.lower(), presented.subject.lower()} == {client.client_id}:
        raise Refusal(700021)
    if not presented.audiences & _audiences(tenant):
        raise Refusal(700023)
    presented.check_time(now)


def _certificate_of(
    tenant: "Tenant", client: Application, presented: Presented
) -> RegisteredCertificate:
    """The registered certificate that the header names. What `x5c` holds registers nothing."""
    thumbprints = [presented.header.get(name) for name in ("x5t#S256", "x5t", "kid")]
    named = [str(each).rstrip("=") for each in thumbprints if each]  # MSAL pads them
    if not named:
        raise Refusal(5002723)
    registered = tenant.cloud.registrar.of(client)
    for thumbprint in named:
        found = registered.certificate_of(thumbprint)
        if found is not None:
            return found
    reason = f"The key was not found., Thumbprint of key used by client: '{named[0][:64]}'"
    raise _refusal(client, "not registered", reason)


def _refusal(client: Application, state: str, reason: str) -> Refusal:
    problem = (
        f"The certificate with identifier used to sign the client assertion is {state} on"
        f" application '{client.client_id}'"
    )
    return Refusal(700027, problem=problem, reason=reason)


def _period(certificate: RegisteredCertificate) -> str:
    days = [certificate.begins_at, certificate.expires_at]
    begins, ends = (f"{datetime.fromtimestamp(day, UTC):%m/%d/%Y %H:%M:%S}" for day in days)
    return f"Found key 'Start={begins}, End={ends}'"


def _audiences(tenant: "Tenant") -> frozenset[str]:
    """What a client may mean by this tenant: a token endpoint of it, or one of its issuers."""
    names = (tenant.tenant_id, tenant.organization.domain)
    bases = [f"{tenant.base_url}/{name}" for name in names]
    endings = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", "")
    return frozenset(base + ending for base in bases for ending in endings) | {
        tenant.mint.issuer_v1
    }
