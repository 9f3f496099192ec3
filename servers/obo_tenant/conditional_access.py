"""Conditional Access: what the tenant demands of one person before one resource may be had.

Entra, "Microsoft Entra authentication and authorization error codes" and "OAuth 2.0 On-Behalf-Of
flow", error response example. The token endpoint refuses with a challenge in `claims`; a sign-in
that was asked for these very claims meets the policy.

How a token shows that it met a policy is not documented. Here it carries the claim `capolids` of
the challenge with the policy's id, as OpenID Connect Core 5.5.1 has it for a claim that is asked
for with values: an inference, and nothing for a client to read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from obo_tenant.claims import ClaimsRequest
from obo_tenant.refusal import Refusal

PROOFS = "capolids"
_CODES: MappingProxyType[str, int] = MappingProxyType(
    {"mfa": 50076, "enrolment": 50079, "device": 53000, "blocked": 53003}
)
DEMANDS = tuple(_CODES)
ERRORS = ("interaction_required", "invalid_grant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is demanded: one of `DEMANDS`. The id is new with every policy.

    `error` is the OAuth error it is refused with: Entra's pages say `interaction_required`, its
    token endpoint has been seen to say `invalid_grant` with the same `suberror` and `claims`.
    With `silent` a refresh that carries the challenge meets it, as from a device whose own sign-in
    counts as proof; without, only the page does. A block is never met by either.
    """

    demand: str
    error: str = ERRORS[0]
    silent: bool = True
    policy_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def claims(self) -> str:
        """The challenge: the JSON text that the client has to send on."""
        wanted = {"essential": True, "values": [self.policy_id]}
        return json.dumps({"access_token": {PROOFS: wanted}}, separators=(",", ":"))

    @property
    def blocks(self) -> bool:
        """Whether no interaction helps."""
        return self.demand == "blocked"

    def refusal(self, resource_id: str) -> Refusal:
        """50076, 50079, 53000 or 53003, with the challenge."""
        refusal = Refusal(_CODES[self.demand], resource=resource_id)
        refusal.error, refusal.claims = self.error, self.claims
        return refusal


Policies = dict[str, Policy]
"""The policies for one person, by the client id of the resource they guard."""


def check_policies(policies: Policies, resource_id: str, proofs: frozenset[str]) -> None:
    """Raises Refusal unless the policy for that resource, if there is one, was met."""
    policy = policies.get(resource_id)
    if policy is not None and policy.policy_id not in proofs:
        raise policy.refusal(resource_id)


def proofs_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """The policies that a token's person met, by their ids."""
    proofs = claims.get(PROOFS)
    return frozenset(map(str, proofs)) if isinstance(proofs, list) else frozenset()


def asked_for(policies: Policies, request: ClaimsRequest) -> Policies:
    """The policies whose challenge the request repeats; ids of others mean nothing any more."""
    wanted = request.values(PROOFS)
    return {guarded: each for guarded, each in policies.items() if each.policy_id in wanted}


def unmet(
    policies: Policies, request: ClaimsRequest, resources: Iterable[str], proofs: frozenset[str]
) -> Policies:
    """What a page has to ask before a sign-in for these resources, with these claims, is over."""
    wanted = asked_for(policies, request) | {
        guarded: policies[guarded] for guarded in resources if guarded in policies
    }
    return {guarded: each for guarded, each in wanted.items() if each.policy_id not in proofs}


def met_silently(
    policies: Policies, request: ClaimsRequest, proofs: frozenset[str]
) -> frozenset[str]:
    """`proofs` and what a token request with these claims adds to them without any page.

    Raises:
        Refusal: the policy's own, when it takes a page or when nothing meets it.
    """
    wanted = asked_for(policies, request)
    for guarded, policy in wanted.items():
        if policy.policy_id not in proofs and (policy.blocks or not policy.silent):
            raise policy.refusal(guarded)
    return proofs | {policy.policy_id for policy in wanted.values()}
