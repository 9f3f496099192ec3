"""The local tenant as these tests see it: over HTTPS, through its control switches."""

import ssl
from contextlib import contextmanager

import httpx2
import jwt

from obo_tenant.clock import SYSTEM_CLOCK


class Entra:
    def __init__(self, local):
        self.url, self.ca_path, self.now = local.url, local.ca_path, SYSTEM_CLOCK
        context = ssl.create_default_context(cafile=str(local.ca_path))
        self.http = httpx2.Client(base_url=local.url, verify=context, trust_env=False, timeout=10)
        self.facts = self.http.get("/_tenant/").json()
        self.apps, self.people = self.facts["apps"], self.facts["people"]

    def keys(self):
        answer = self.http.get(f"/{self.facts['tenant_id']}/discovery/v2.0/keys")
        return {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json()).keys}

    def token(self, person, client, resource, scopes=("user_impersonation",), **options):
        wish = {"person": person, "client": client, "resource": resource, **options}
        if not options.get("app_only"):
            wish["scopes"] = list(scopes)
        answer = self.http.post("/_tenant/tokens", json=wish)
        assert answer.is_success, answer.text
        return answer.json()["access_token"]

    def revoke_sign_ins(self, person):
        change = {"sessions_revoked": True}
        assert self.http.patch(f"/_tenant/people/{person}", json=change).is_success

    @contextmanager
    def fault(self, wish):
        assert self.http.put("/_tenant/faults", json=wish).is_success
        try:
            yield
        finally:
            self.http.delete("/_tenant/faults")

    def grants(self, kind):
        entries = self.http.get("/_tenant/log").json()["entries"]
        return sum(entry["grant"] == kind for entry in entries)


class Verifier:
    """Checks a token as any resource server would: signature, audience, and a scope."""

    def __init__(self, keys, audience, scope):
        self.keys, self.audience, self.scope = keys, audience, scope

    def __call__(self, token):
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            claims = jwt.decode(token, self.keys[kid], ["RS256"], audience=self.audience)
        except (jwt.PyJWTError, KeyError) as failure:
            raise PermissionError(f"the token is refused: {type(failure).__name__}") from None
        if self.scope not in claims.get("scp", "").split() and claims.get("idtyp") != "app":
            raise PermissionError("the scope is missing")
        return claims
