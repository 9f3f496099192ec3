"""Family "kind", the strangers: for another resource, by another authority, of another tenant."""

import hashlib
from collections.abc import Iterator

from vectors.forging.kinds import CLAIMS, FAMILY, ITSELF, TOKENS, VALIDATION, as_kind
from vectors.forging.material import (
    CALLER,
    CLIENT,
    ISSUER_V1,
    ISSUER_V2,
    LOGIN,
    OTHER_TENANT,
    PERSONAL_TENANT,
    SCOPE,
    TENANT,
    URI,
    Item,
    application,
    b64,
    header,
    part,
    person,
    person_v1,
    token,
)

BOTH = {"tenants": [TENANT, OTHER_TENANT]}
RESOURCES = {
    "graph-guid": "00000003-0000-0000-c000-000000000000",
    "graph": "https://graph.microsoft.com",
    "graph-slash": "https://graph.microsoft.com/",
    "graph-us": "https://graph.microsoft.us",
    "graph-dod": "https://dod-graph.microsoft.us/",
    "graph-china": "https://microsoftgraph.chinacloudapi.cn",
    "graph-upper": "HTTPS://GRAPH.MICROSOFT.COM",
    "azure-ad-graph": "https://graph.windows.net",
    "azure-ad-graph-guid": "00000002-0000-0000-c000-000000000000",
    "foundry": "https://ai.azure.com",
    "foundry-slash": "https://ai.azure.com/",
    "cognitive-services": "https://cognitiveservices.azure.com",
    "management": "https://management.azure.com/",
    "management-core": "https://management.core.windows.net/",
    "management-guid": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "vault": "https://vault.azure.net",
    "storage": "https://storage.azure.com/",
    "exchange-online": "https://outlook.office365.com",
    "sharepoint": "https://contoso.sharepoint.com/",
    "other-app": "api://3f9d5b21-6c48-4a0e-b7d2-918e04c5fa63",
    "other-app-same-host": f"{URI}/v2",
    "prefix-of-uri": URI[:-1],
    "uri-upper": URI.upper(),
    "uri-two-slashes": f"{URI}//",
    "uri-with-scope": f"{URI}/{SCOPE}",
    "uri-default": f"{URI}/.default",
    "web-address": "https://mcp.contoso.example/mcp",
    "the-client-itself": CALLER,
}
EXCHANGES = {
    "public": "api://AzureADTokenExchange",
    "us-gov": "api://AzureADTokenExchangeUSGov",
    "china": "api://AzureADTokenExchangeChina",
    "guid": "fb60f99c-7a34-4190-8149-302f77469936",
}
OTHER_CLOUDS = {
    "us-gov": "https://login.microsoftonline.us/{}/v2.0",
    "us-gov-old": "https://login.usgovcloudapi.net/{}/v2.0",
    "china": "https://login.partner.microsoftonline.cn/{}/v2.0",
    "china-old": "https://login.chinacloudapi.cn/{}/v2.0",
    "germany-old": "https://login.microsoftonline.de/{}/v2.0",
    "france": "https://login.sovcloud-identity.fr/{}/v2.0",
    "germany": "https://login.sovcloud-identity.de/{}/v2.0",
    "singapore": "https://login.sovcloud-identity.sg/{}/v2.0",
    "test": "https://login.windows-ppe.net/{}/v2.0",
    "alias": "https://login.microsoft.com/{}/v2.0",
    "alias-old": "https://login.windows.net/{}/v2.0",
    "sts-as-v2": "https://sts.windows.net/{}/v2.0",
    "b2c": "https://contoso.b2clogin.com/{}/v2.0/",
    "b2c-policy": "https://login.microsoftonline.com/tfp/{}/b2c_1_sign_in/v2.0/",
    "external-id": "https://contoso.ciamlogin.com/{}/v2.0",
    "external-id-by-tenant": f"https://{TENANT}.ciamlogin.com/{{}}/v2.0",
    "federation-server": "https://adfs.contoso.example/adfs",
    "google": "https://accounts.google.com",
    "github-actions": "https://token.actions.githubusercontent.com",
    "cluster": "https://westeurope.oic.prod-aks.azure.com/{}/8d2b0c55/",
}
OTHER_CLOUDS_V1 = {
    "china": "https://sts.chinacloudapi.cn/{}/",
    "germany-old": "https://sts.microsoftonline.de/{}/",
    "test": "https://sts.windows-ppe.net/{}/",
    "no-slash": "https://sts.windows.net/{}",
    "alias": "https://login.microsoftonline.com/{}/",
}


def items() -> Iterator[Item]:
    yield from _other_resources()
    yield from _other_tenants()
    yield from _other_issuers()
    yield from _versions()


def _other_resources() -> Iterator[Item]:
    for name, audience in RESOURCES.items():
        claims, reason = person_v1(aud=audience), f"Meant for another resource: {name}."
        yield as_kind(f"aud-{name}", claims, reason, "RFC 8725 3.9", "WrongAudience")
    for name, audience in {"graph": RESOURCES["graph"], "ours": CLIENT}.items():
        leaf = "SignatureInvalid" if name == "ours" else "WrongAudience"
        reason = f"Signed as Graph's tokens are, over the digest of the nonce: {name}."
        yield Item(f"kind-nonce-{name}", FAMILY, _with_nonce(audience), reason, CLAIMS, leaf)
    for name, audience in EXCHANGES.items():
        claims = application(aud=audience, sub=f"/eid1/c/pub/t/x/a/x/{ITSELF}")
        reason = f"A credential for the token endpoint, not for us: {name}."
        yield as_kind(f"aud-exchange-{name}", claims, reason, "RFC 8725 3.9", "WrongAudience")
    for name, audience in {"uri": URI, "uri-slash": f"{URI}/"}.items():
        claims, reason = person(aud=audience), "A v2 token never carries the Application ID URI."
        yield as_kind(f"aud-v2-{name}", claims, reason, TOKENS, "WrongAudience")


def _with_nonce(audience: str) -> str:
    """The signed header holds SHA-256 of the nonce, the sent one the nonce itself."""
    body = person(aud=audience) if audience == CLIENT else person_v1(aud=audience)
    digest = b64(hashlib.sha256(b"a-nonce").digest())
    _, payload, signature = token(header(nonce=digest), body).split(".")
    return f"{part(header(nonce='a-nonce'))}.{payload}.{signature}"


def _other_tenants() -> Iterator[Item]:
    tenants = {
        "other": OTHER_TENANT,
        "personal": PERSONAL_TENANT,
        "services": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    }
    for name, tenant in tenants.items():
        v2 = person(tid=tenant, iss=f"{LOGIN}/{tenant}/v2.0")
        v1 = person_v1(tid=tenant, iss=f"https://sts.windows.net/{tenant}/")
        yield as_kind(f"tid-{name}", v2, f"Another tenant's: {name}.", VALIDATION, "WrongTenant")
        yield as_kind(f"tid-{name}-v1", v1, f"Another tenant's: {name}.", VALIDATION, "WrongTenant")
    home = f"https://sts.windows.net/{TENANT}/"
    claims = person(tid=OTHER_TENANT, iss=f"{LOGIN}/{OTHER_TENANT}/v2.0", idp=home, acct=1)
    reason = "Our person as a guest of another tenant."
    yield as_kind("tid-guest-elsewhere", claims, reason, VALIDATION, "WrongTenant")
    claims, reason = person(tid=OTHER_TENANT), "Our issuer, another tenant."
    yield as_kind("tid-ours-by-issuer", claims, reason, VALIDATION, "WrongTenant")
    claims = person(tid=OTHER_TENANT, aio="allowed")
    reason = "Both tenants are allowed; issuer ours, tenant the other."
    yield as_kind("tid-other-iss-ours", claims, reason, VALIDATION, "WrongIssuer", **BOTH)
    claims = person(iss=f"{LOGIN}/{OTHER_TENANT}/v2.0", aio="allowed")
    reason = "Both tenants are allowed; tenant ours, issuer the other's."
    yield as_kind("tid-ours-iss-other", claims, reason, VALIDATION, "WrongIssuer", **BOTH)


def _other_issuers() -> Iterator[Item]:
    for name, issuer in OTHER_CLOUDS.items():
        claims, reason = person(iss=issuer.format(TENANT)), f"Another authority's: {name}."
        yield as_kind(f"iss-{name}", claims, reason, "RFC 8725 3.8", "WrongIssuer")
    for name, issuer in OTHER_CLOUDS_V1.items():
        claims, reason = person_v1(iss=issuer.format(TENANT)), f"Another authority's: {name}."
        yield as_kind(f"iss-v1-{name}", claims, reason, "RFC 8725 3.8", "WrongIssuer")
    for name in ("common", "organizations", "consumers", OTHER_TENANT, PERSONAL_TENANT):
        claims, reason = person(iss=f"{LOGIN}/{name}/v2.0"), f"Issued by {name}, tenant ours."
        yield as_kind(f"iss-{name}", claims, reason, VALIDATION, "WrongIssuer")


def _versions() -> Iterator[Item]:
    kinds = {
        "v1-issuer-in-v2": (person(iss=ISSUER_V1), "A v2 token with the issuer of v1."),
        "v2-issuer-in-v1": (person_v1(iss=ISSUER_V2), "A v1 token with the issuer of v2."),
        "v1-says-v2": (person_v1(aud=CLIENT, ver="2.0"), "A v1 token that says it is v2."),
        "v2-says-v1": (person(ver="1.0"), "A v2 token that says it is v1."),
    }
    for name, (claims, reason) in kinds.items():
        yield as_kind(f"ver-{name}", claims, reason, TOKENS, "WrongIssuer")
    v1, v2 = person_v1(aio="unwanted"), person(aio="unwanted")
    only = {"v1-refused": (v1, ["2.0"]), "v2-refused": (v2, ["1.0"])}
    for name, (claims, versions) in only.items():
        reason = "A version that the policy does not take."
        yield as_kind(f"ver-{name}", claims, reason, TOKENS, "WrongVersion", versions=versions)
    clients = {
        "v2-with-appid": person("azp", appid=CALLER),
        "v1-with-azp": person_v1("appid", azp=CALLER),
    }
    for name, claims in clients.items():
        reason = "The calling client stands in the claim of the other version."
        yield as_kind(f"ver-{name}", claims, reason, CLAIMS, "TokenMalformed")
