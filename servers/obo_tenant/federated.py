"""A client that proves itself by a token of an issuer it trusts: a federated identity credential.

Entra, "Workload identity federation": issuer, audience and subject must match a registered
credential exactly. Nothing is registered for an agent identity: it trusts what the tenant itself
says of its blueprint and it, and of no other (Entra, "Agent OAuth flows: on-behalf-of flow").
"""

from typing import TYPE_CHECKING

from obo_tenant.agent_id import exchange_subject
from obo_tenant.apps import EXCHANGE_AUDIENCE, EXCHANGE_ID, Application
from obo_tenant.keys import KeyRing
from obo_tenant.presented import Presented
from obo_tenant.refusal import Refusal
from obo_tenant.registered import FederatedCredential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obo_tenant.tenant import Tenant


def check_federated(tenant: "Tenant", client: Application, presented: Presented) -> None:
    """Whether `client` trusts that token.

    Raises:
        Refusal: 70021 nothing registered, 700211 another issuer, 700229 a person's token, 700212
            another audience, 700213 or 7002138 another subject; then 50166 an issuer out of reach,
            700027 not signed by it, 700024 not valid now.
    """
    of_entra = presented.issuer in _entra(tenant)
    audiences = _spelled_out(presented.audiences) if of_entra else presented.audiences
    found = _of_issuer(_trusted_by(tenant, client), presented, audiences)
    if of_entra and presented.claims.get("idtyp") != "app":
        raise Refusal(700229)
    _check_match(found, presented, audiences)
    _check_signature(tenant, presented)
    presented.check_time(tenant.clock())


def _trusted_by(tenant: "Tenant", client: Application) -> "Sequence[FederatedCredential]":
    if client.parent is None:
        return tenant.cloud.registrar.of(client).federated
    subject = exchange_subject(tenant.tenant_id, client.parent, client.client_id)
    return [FederatedCredential(tenant.mint.issuer_v2, subject)]


def _of_issuer(
    trusted: "Sequence[FederatedCredential]", presented: Presented, audiences: frozenset[str]
) -> "Sequence[FederatedCredential]":
    if not trusted:
        words = {"issuer": presented.issuer, "subject": presented.subject}
        raise Refusal(70021, **_cut(words | {"audience": " ".join(sorted(audiences))}))
    found = [each for each in trusted if each.issuer == presented.issuer]
    if not found:
        raise Refusal(700211, **_cut({"issuer": presented.issuer}))
    return found


def _check_match(
    found: "Sequence[FederatedCredential]", presented: Presented, audiences: frozenset[str]
) -> None:
    found = [each for each in found if each.audience in audiences]
    if not found:
        raise Refusal(700212, **_cut({"audience": " ".join(sorted(audiences))}))
    subjects = {each.subject for each in found}
    if presented.subject in subjects:
        return
    nearly = presented.subject.lower() in {each.lower() for each in subjects}
    raise Refusal(7002138 if nearly else 700213, **_cut({"subject": presented.subject}))


def _check_signature(tenant: "Tenant", presented: Presented) -> None:
    keys = _entra(tenant).get(presented.issuer)
    if presented.issuer == tenant.cloud.cluster.issuer:
        keys = tenant.cloud.cluster.keys
    if keys is None:
        raise Refusal(50166)
    key = keys.find(presented.header.get("kid"))
    problem = "Client assertion failed signature validation"
    if key is None:
        raise Refusal(700027, problem=problem, reason="The key was not found.")
    if not presented.is_signed_by(key.private.public_key()):
        reason = "The provided signature value did not match the expected signature value."
        raise Refusal(700027, problem=problem, reason=reason)


def _entra(tenant: "Tenant") -> dict[str, KeyRing]:
    """The issuers of this cloud's tenants and their keys."""
    mints = [each.mint for each in tenant.cloud.tenants]
    return {issuer: mint.keys for mint in mints for issuer in (mint.issuer_v2, mint.issuer_v1)}


def _spelled_out(audiences: frozenset[str]) -> frozenset[str]:
    """Entra's own tokens name the token exchange by its id; credentials name it by its URI."""
    return frozenset(EXCHANGE_AUDIENCE if each == EXCHANGE_ID else each for each in audiences)


def _cut(words: dict[str, str]) -> dict[str, str]:
    return {name: value[:300] for name, value in words.items()}
