"""Entra Agent ID: how a blueprint speaks for its agents, and what it may not do itself.

Entra, "Agent OAuth flows: on-behalf-of flow" and "autonomous app flow". The blueprint asks for an
exchange token for one agent (`fmi_path`); the agent then presents it as its client assertion.
"""

from dataclasses import replace
from uuid import UUID

from obo_tenant.apps import EXCHANGE_ID, GRAPH_ID, Application
from obo_tenant.keys import base64url
from obo_tenant.refusal import Refusal

_LONGEST_PATH = 200


def exchange_subject(tenant_id: str, blueprint_id: str, path: str) -> str:
    """The `sub` of an exchange token: who speaks for whom. GUIDs are little-endian in base64url."""
    tenant, blueprint = (base64url(UUID(each).bytes_le) for each in (tenant_id, blueprint_id))
    return f"/eid1/c/pub/t/{tenant}/a/{blueprint}/{path}"


def as_agents_caller(
    client: Application, resource: Application, form: dict[str, str]
) -> Application:
    """The client of an app-only token, with the agent it is for if it is a blueprint.

    Whether that agent exists is seen only when it presents the token.

    Raises:
        Refusal: 82001 a blueprint and another resource than the token exchange, or Graph, where it
            makes its agents; 90023 `fmi_path` where it means nothing.
    """
    path = form.get("fmi_path", "").strip()
    exchanging = client.blueprint and resource.client_id == EXCHANGE_ID
    if client.blueprint and not exchanging and resource.client_id != GRAPH_ID:
        raise Refusal(82001, app=client.client_id, resource=resource.client_id)
    if path and (not exchanging or len(path) > _LONGEST_PATH):
        raise Refusal(90023, parameter="fmi_path")
    return replace(client, fmi_path=path or None)


def check_may_act(client: Application) -> None:
    """A blueprint acts for a person only through its agents. Raises Refusal 82002."""
    if client.blueprint:
        raise Refusal(82002, app=client.client_id)
