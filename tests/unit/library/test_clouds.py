"""Every cloud is asked at its own address: real MSAL, with a transport that only listens."""

import json

import pytest

from obo_mcp.exchange.credential import credential_of
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.tokens import CLIENT, NOW, TENANT

HOSTS = [
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
    "https://login.sovcloud-identity.fr",
    "https://login.sovcloud-identity.de",
    "https://login.sovcloud-identity.sg",
    "https://contoso.ciamlogin.com",
]
OTHER = "22222222-2222-4333-8444-555555555555"


class Answer:
    """What MSAL reads of an HTTP answer."""

    def __init__(self, body):
        self.status_code, self.headers, self.text = 200, {}, json.dumps(body)

    def raise_for_status(self):
        """Never an error here."""


class Cloud:
    """Answers every authority in its own name and notes where it was asked."""

    def __init__(self, host):
        self.host = host
        self.asked = []

    def get(self, url, **_):
        self.asked.append(url)
        tenant = url.removeprefix(f"{self.host}/").partition("/")[0]
        base = f"{self.host}/{tenant}"
        return Answer(
            {
                "issuer": Authority(self.host, tenant).authorization_server,
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    def post(self, url, **_):
        self.asked.append(url)
        return Answer({"access_token": "downstream", "expires_in": 3600})

    def close(self):
        """Nothing is open."""


def caller(tenant):
    principal = Principal(
        tid=tenant,
        oid="o",
        sub="s",
        azp="c",
        issuer="i",
        scopes=frozenset({"mcp.access"}),
        expires_at=NOW + 3600,
        token_digest=b"",
    )
    return Caller(principal, Secret("assertion"), "00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize("host", HOSTS)
async def test_an_exchange_goes_to_the_callers_own_tenant_in_the_configured_cloud(host, clock):
    settings = Settings(
        tenant_id=TENANT,
        client_id=CLIENT,
        client_secret="hunter2-hunter2",
        resource_url="https://mcp.example/mcp",
        required_scope="mcp.access",
        authority_host=host,
        allowed_tenants=(TENANT, OTHER),
    )
    cloud = Cloud(host)
    grant = OnBehalfOfGrant(settings, credential_of(settings, clock, cloud), cloud, clock)
    for tenant in settings.tenants:
        token = await grant.exchange(caller(tenant), Scopes.parse("api://other/.default"), "")
        assert token.token == Secret("downstream")
    grant.close()
    assert cloud.asked == [
        f"{host}/{tenant}/{path}"
        for tenant in settings.tenants
        for path in ("v2.0/.well-known/openid-configuration", "oauth2/v2.0/token")
    ]
