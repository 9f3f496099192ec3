"""Whose tokens are accepted, and which hosts may speak for them.

The clouds and their names: Entra, "National clouds"; MSAL's own list of authority hosts; Entra,
"External ID" for `ciamlogin.com`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

PUBLIC = "the public cloud"
_CLOUDS = {
    PUBLIC: (
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
    ),
    "the US Government cloud": ("login.microsoftonline.us", "login.usgovcloudapi.net"),
    "the China cloud": (
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "sts.chinacloudapi.cn",
    ),
    "the French sovereign cloud": ("login.sovcloud-identity.fr",),
    "the German sovereign cloud": ("login.sovcloud-identity.de",),
    "the Singaporean sovereign cloud": ("login.sovcloud-identity.sg",),
}
_CLOUD_OF_HOST = {host: cloud for cloud, hosts in _CLOUDS.items() for host in hosts}
EXTERNAL_ID = ".ciamlogin.com"
B2C = ".b2clogin.com"
_TEMPLATE = "{tenantid}"


def cloud_of(url: str) -> str | None:
    """Which cloud the host of `url` belongs to, in words; None if it is none we know."""
    host = host_of(url)
    if host.endswith(EXTERNAL_ID):
        return "External ID"
    if host.endswith(B2C):
        return "Azure AD B2C"
    return _CLOUD_OF_HOST.get(host)


def host_of(url: str) -> str:
    """The host of `url` in lower case, "" if there is none."""
    parts = _parts(url)
    return (parts.hostname or "") if parts else ""


@dataclass(frozen=True, slots=True)
class Authority:
    """One tenant at one authority host, such as `https://login.microsoftonline.com`."""

    host: str
    tenant_id: str

    @property
    def url(self) -> str:
        """The authority as MSAL and discovery know it, without a slash at the end."""
        return f"{self.host}/{self.tenant_id}"

    @property
    def authorization_server(self) -> str:
        """The issuer by which clients find the authorization server (RFC 9728 section 2)."""
        if self._is_external_id:
            return f"https://{self.tenant_id}{EXTERNAL_ID}/{self.tenant_id}/v2.0"
        return f"{self.url}/v2.0"

    def may_publish_keys_at(self, url: str) -> bool:
        """Whether a document of this authority may send us to `url` for its keys.

        Only to a host of its own: the very origin, or over https another name of the same cloud.
        External ID's tenants also have a host that is named by their id.
        """
        parts, ours = _parts(url), urlsplit(self.host)
        if parts is None:
            return False
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        return parts.scheme == "https" and parts.netloc in self._other_hosts()

    def issuer(self, text: object) -> str | None:
        """`text` as an issuer of this tenant, its template filled; None if it is another's.

        The tenant's id must be a part of the path (RFC 8725 section 3.8; Entra, "Claims
        validation": issuer, tenant and key belong together).
        """
        if not isinstance(text, str):
            return None
        issuer = text.replace(_TEMPLATE, self.tenant_id)
        parts = _parts(issuer)
        return issuer if parts and self.tenant_id in parts.path.split("/") else None

    def owns(self, key_issuer: str, issuers: Collection[str]) -> bool:
        """Whether a key that names `key_issuer` may sign what `issuers` issue for this tenant.

        It must name this tenant, at a host of theirs or of the same cloud: the v1 and v2 sets of
        one cloud name each other's issuers.
        """
        issuer = self.issuer(key_issuer)
        if issuer is None:
            return False
        clouds = {cloud_of(self.host), *([PUBLIC] if self._is_external_id else [])} - {None}
        hosts = {host_of(self.host), *map(host_of, issuers)}
        return host_of(issuer) in hosts or cloud_of(issuer) in clouds

    @property
    def _is_external_id(self) -> bool:
        return host_of(self.host).endswith(EXTERNAL_ID)

    def _other_hosts(self) -> frozenset[str]:
        host = urlsplit(self.host).netloc
        if self._is_external_id:
            return frozenset({f"{self.tenant_id}{EXTERNAL_ID}"})
        cloud = _CLOUD_OF_HOST.get(host)
        return frozenset(_CLOUDS[cloud]) if cloud else frozenset()


def _parts(url: str) -> SplitResult | None:
    """`url` taken apart; None if it is none (RFC 3986)."""
    try:
        return urlsplit(url)
    except ValueError:
        return None
