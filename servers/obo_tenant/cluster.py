"""A Kubernetes cluster whose service-account tokens the tenant can check: a foreign issuer.

Kubernetes, "Service account issuer discovery"; Azure, "Microsoft Entra Workload ID on AKS".
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.clock import Clock
from obo_tenant.keys import KeyRing


class Cluster:
    """Signs service-account tokens with keys of its own."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        self.issuer = f"{base_url}/cluster"
        self.keys = KeyRing(clock())
        self._clock = clock

    def claims(
        self, namespace: str, account: str, audience: str, lifetime_seconds: int
    ) -> dict[str, Any]:
        """What a projected service-account token says; a negative lifetime is over already."""
        now = int(self._clock())
        issued = now if lifetime_seconds > 0 else now + lifetime_seconds - 3600
        return {
            "aud": [audience],
            "exp": now + lifetime_seconds,
            "iat": issued,
            "iss": self.issuer,
            "jti": str(uuid4()),
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": account, "uid": str(uuid4())},
            },
            "nbf": issued,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }

    def sign(self, claims: Mapping[str, Any], *, foreign: bool = False) -> str:
        """A compact JWS; `foreign` signs with an unpublished key under a published key id."""
        current = self.keys.current
        signer = self.keys.foreign if foreign else current
        return jwt.encode(dict(claims), signer.private, "RS256", headers={"kid": current.kid})

    def routes(self) -> list[BaseRoute]:
        """Its discovery document and its keys, as the API server publishes them."""
        return [
            Route("/cluster/.well-known/openid-configuration", self._configuration),
            Route("/cluster/openid/v1/jwks", self._keys),
        ]

    async def _configuration(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/openid/v1/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        members = ("kty", "use", "kid", "n", "e")
        published = [key.jwk(self.issuer) for key in self.keys]
        keys = [{name: jwk[name] for name in members} | {"alg": "RS256"} for jwk in published]
        return JSONResponse({"keys": keys})
