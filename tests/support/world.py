"""The local tenant as tests use it: its control switches, and settings for a server in it."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.canary import watch

GRAPH_SCOPE = "https://graph.microsoft.com/.default"


@dataclass
class World:
    """One running tenant, seen through its control switches."""

    url: str
    ca_path: str
    http: httpx.Client = field(repr=False)

    def __post_init__(self) -> None:
        self.about = self._ask("GET", "/_tenant/")
        secrets = (app.get("client_secret", "") for app in self.about["apps"].values())
        watch("client secret", *secrets)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def token(self, person: str | None = "adele", **options: Any) -> Secret:
        wanted = {"person": person, "client": "connection", "resource": "mcp-server"}
        body = wanted | {"scopes": ["mcp.access"]} | options
        return Secret(self._ask("POST", "/_tenant/tokens", body)["access_token"])

    def crowd(self, count: int) -> list[Secret]:
        body = {"count": count, "client": "connection", "resource": "mcp-server"}
        answer = self._ask("POST", "/_tenant/people", body | {"scopes": ["mcp.access"]})
        return [Secret(token) for token in answer["access_tokens"]]

    def fault(self, where: str, **fault: Any) -> None:
        self._ask("PUT", "/_tenant/faults", {"where": where, "count": 1} | fault)

    def oddities(self, **quirks: Any) -> None:
        """Switch Graph's oddities: `empty_pages`, `unknown_fields`, `sent_copy_after`."""
        self._ask("PUT", "/_tenant/graph", quirks)

    def clear(self) -> None:
        self._ask("DELETE", "/_tenant/faults")
        self._ask("DELETE", "/_tenant/graph")
        self._ask("DELETE", "/_tenant/policies")
        self._ask("DELETE", "/_tenant/log")

    def log(self, where: str = "") -> list[dict[str, Any]]:
        """What was asked of the tenant; but for a server's preparation, which has no person."""
        entries = [
            entry
            for entry in self._ask("GET", "/_tenant/log")["entries"]
            if (entry.get("path"), entry.get("person")) != ("/v1.0/...", None)
        ]
        return [entry for entry in entries if not where or entry["where"] == where]

    def exchanges(self) -> list[dict[str, Any]]:
        """Requests of our own server to the token endpoint: each one is an exchange."""
        return [entry for entry in self.log("token") if entry["client_name"] == "mcp-server"]

    def consent(self, person: str, *, given: bool) -> None:
        body = {"client": "mcp-server", "person": person, "resource": "graph", "scopes": []}
        body["scopes"] = ["User.Read", "Mail.Read", "Calendars.Read", "Files.Read.All"]
        self._ask("PUT" if given else "DELETE", "/_tenant/consents", body)

    def policy(self, person: str, demand: str | None, **options: Any) -> str:
        """Let Conditional Access demand something ("mfa", ...; None ends it); gives the claims."""
        path, resource = f"/_tenant/people/{person}/policy", {"resource": "graph"}
        if demand is None:
            self._ask("DELETE", path, resource | options)
            return ""
        return self._ask("PUT", path, resource | {"policy": demand} | options)["claims"]

    def cae_revoke(self, person: str, **options: Any) -> str:
        """Let Graph take back the person's tokens; gives the claims it challenges with."""
        return self._ask("POST", f"/_tenant/people/{person}/revoke", options)["claims"]

    def stepped_up_token(self, person: str, claims: str, **options: Any) -> Secret:
        """What the person's client gets when it asks for a new token with these claims."""
        return self.token(person, satisfies=claims, **options)

    def administrator(self, person: str, *, is_one: bool) -> None:
        self._ask("PATCH", f"/_tenant/people/{person}", {"administrator": is_one})

    def user_consent(self, setting: str) -> None:
        """What people may consent to themselves: "all", "recommended" or "none"."""
        self._ask("PUT", "/_tenant/user-consent", {"setting": setting})

    def redirect_uris(self, *uris: str, app: str = "mcp-server") -> None:
        """Register these, and only these, on an application."""
        self._ask("PATCH", f"/_tenant/apps/{app}", {"redirect_uris": list(uris)})

    def person(self, key: str) -> dict[str, Any]:
        return (self.about["people"] | self.neighbour["people"])[key]

    @property
    def neighbour(self) -> dict[str, Any]:
        """The second tenant at the same origin: Nora's and Imran's."""
        return self.about["neighbour"]

    @property
    def both_tenants(self) -> tuple[str, str]:
        """Their ids, ours first."""
        return self.about["tenant_id"], self.neighbour["tenant_id"]

    def application_token(self, app: str) -> Secret:
        """What `app` really gets for itself, to call our server with."""
        known, server = self.about["apps"][app], self.about["apps"]["mcp-server"]
        proof = {"client_secret": known.get("client_secret")}
        if "blueprint" in known:
            proof = {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.exchange_token(known["client_id"]),
            }
        return Secret(self._own_token(known, f"{server['identifier_uri']}/.default", proof))

    def exchange_token(self, agent_id: str, blueprint: str = "blueprint") -> str:
        """What a blueprint gets to speak for one of its agents with."""
        known = self.about["apps"][blueprint]
        proof = {"client_secret": known["client_secret"], "fmi_path": agent_id}
        return self._own_token(known, "api://AzureADTokenExchange/.default", proof)

    def _own_token(self, known: dict[str, Any], scope: str, proof: dict[str, Any]) -> str:
        form = {"grant_type": "client_credentials", "client_id": known["client_id"]}
        path = f"/{self.about['tenant_id']}/oauth2/v2.0/token"
        answer = self.http.post(path, data=form | {"scope": scope} | proof)
        return str(answer.raise_for_status().json()["access_token"])

    def settings(self, resource_url: str, **options: Any) -> Settings:
        app = self.about["apps"]["mcp-server"]
        values = {
            "tenant_id": self.about["tenant_id"],
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "resource_url": resource_url,
            "required_scope": "mcp.access",
            "authority_host": self.url,
            "ca_bundle": self.ca_path,
        }
        return Settings(**(values | options))
