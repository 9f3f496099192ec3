"""Whose keys and issuers an authority may speak of, in every cloud."""

import itertools

import httpx
import pytest

from obo_mcp.inbound.authority import Authority, cloud_of, host_of

TID = "11111111-2222-4333-8444-555555555555"
OTHER = "22222222-2222-4333-8444-555555555555"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
CLOUDS = {
    "the public cloud": [
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
    ],
    "the US Government cloud": ["login.microsoftonline.us", "login.usgovcloudapi.net"],
    "the China cloud": [
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "sts.chinacloudapi.cn",
    ],
    "the French sovereign cloud": ["login.sovcloud-identity.fr"],
    "the German sovereign cloud": ["login.sovcloud-identity.de"],
    "the Singaporean sovereign cloud": ["login.sovcloud-identity.sg"],
}
HOSTS = [(cloud, host) for cloud, hosts in CLOUDS.items() for host in hosts]
PUBLIC = Authority("https://login.microsoftonline.com", TID)
EXTERNAL = Authority("https://contoso.ciamlogin.com", TID)


@pytest.mark.parametrize(("cloud", "host"), HOSTS, ids=[host for _, host in HOSTS])
def test_every_host_of_a_cloud_may_publish_keys_for_each_other_and_for_no_other_cloud(cloud, host):
    authority = Authority(f"https://{host}", TID)
    for theirs, other in [*HOSTS, ("External ID", f"{TID}.ciamlogin.com")]:
        url = f"https://{other}/{TID}/discovery/v2.0/keys"
        assert authority.may_publish_keys_at(url) == (theirs == cloud), other
        assert not authority.may_publish_keys_at(url.replace("https", "http")), other
    assert cloud_of(f"https://{host}/{TID}/v2.0") == cloud


def test_an_external_tenant_has_two_hosts_its_name_and_its_id():
    for host in ("contoso.ciamlogin.com", f"{TID}.ciamlogin.com"):
        assert EXTERNAL.may_publish_keys_at(f"https://{host}/{TID}/discovery/v2.0/keys")
    for host in (f"{OTHER}.ciamlogin.com", "fabrikam.ciamlogin.com", "ciamlogin.com"):
        assert not EXTERNAL.may_publish_keys_at(f"https://{host}/{TID}/discovery/v2.0/keys")
    for _, host in HOSTS:
        assert not EXTERNAL.may_publish_keys_at(f"https://{host}/{TID}/discovery/v2.0/keys")


def test_the_authorization_server_is_the_issuer_that_clients_discover():
    assert PUBLIC.url == f"https://login.microsoftonline.com/{TID}"
    assert PUBLIC.authorization_server == f"https://login.microsoftonline.com/{TID}/v2.0"
    assert EXTERNAL.url == f"https://contoso.ciamlogin.com/{TID}"
    assert EXTERNAL.authorization_server == f"https://{TID}.ciamlogin.com/{TID}/v2.0"


def test_an_authority_of_no_known_cloud_may_publish_keys_at_its_own_origin_alone():
    local = Authority("https://localhost:8443", TID)
    assert local.may_publish_keys_at(f"https://localhost:8443/{TID}/discovery/keys")
    for url in ("https://localhost/keys", "https://localhost:8444/keys", "https://127.0.0.1:8443/"):
        assert not local.may_publish_keys_at(url)


L = "login.microsoftonline.com"
HOSTILE = {
    "another host": "https://evil.example/keys",
    "no TLS": f"http://{L}/keys",
    "our host as the user": f"https://{L}@evil.example/keys",
    "our host as user and password": f"https://{L}:443@evil.example/keys",
    "a user at our host": f"https://evil.example@{L}/keys",
    "an encoded at sign": f"https://{L}%40evil.example/keys",
    "our host before a backslash": f"https://{L}\\@evil.example/keys",
    "our host behind a backslash": f"https://evil.example\\@{L}/keys",
    "another port": f"https://{L}:8443/keys",
    "the default port": f"https://{L}:443/keys",
    "an empty port": f"https://{L}:/keys",
    "a port of letters": f"https://{L}:evil/keys",
    "our host as a prefix": f"https://{L}.evil.example/keys",
    "a trailing dot": f"https://{L}./keys",
    "our host run on": f"https://{L}evil.example/keys",
    "a dash before our host": f"https://evil-{L}/keys",
    "a host below ours": f"https://evil.{L}/keys",
    "the domain above ours": "https://microsoftonline.com/keys",
    "the US Government cloud": "https://login.microsoftonline.us/keys",
    "the China cloud": "https://login.partner.microsoftonline.cn/keys",
    "External ID, by name": "https://fabrikam.ciamlogin.com/keys",
    "B2C": "https://contoso.b2clogin.com/keys",
    "an IPv6 address": "https://[::1]/keys",
    "our host in brackets": f"https://[{L}]/keys",
    "an open bracket": f"https://[{L}/keys",
    "a closing bracket": f"https://{L}]/keys",
    "an IPv6 address with a zone": "https://[::ffff:127.0.0.1%25eth0]/keys",
    "this machine": "https://127.0.0.1/keys",
    "the metadata service of a cloud": "https://169.254.169.254/metadata/identity",
    "a full-width letter": f"https://\uff4c{L[1:]}/keys",
    "an ideographic dot": "https://login.microsoftonline\u3002com/keys",
    "a letter that becomes a slash": f"https://{L}\u2100evil.example/keys",
    "a Cyrillic letter": "https://login.micr\u043esoftonline.com/keys",
    "no scheme": f"//{L}/keys",
    "a bare host": f"{L}/keys",
    "a path": f"/{TID}/discovery/keys",
    "a relative path": "discovery/keys",
    "one slash": f"https:/{L}/keys",
    "no slash": f"https:{L}/keys",
    "no host": "https://",
    "an empty host": f"https:///{L}/keys",
    "nothing": "",
    "a missing member": "None",
    "a script": f"javascript:https://{L}/keys",
    "a file": f"file://{L}/etc/passwd",
    "FTP": f"ftp://{L}/keys",
    "a scheme that begins like ours": f"https+x://{L}/keys",
    "our address as the query": f"https://evil.example/?https://{L}/keys",
    "our address as the fragment": f"https://evil.example#@{L}/keys",
    "our address as the path": f"https://evil.example/https://{L}/keys",
}


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
def test_a_document_cannot_send_us_elsewhere_for_its_keys(url):
    assert not PUBLIC.may_publish_keys_at(url)
    assert not EXTERNAL.may_publish_keys_at(url)


ODD_BITS = [
    "",
    "\t",
    "\n",
    "\0",
    " ",
    "\xa0",
    "\u200b",
    "\\",
    "@",
    "#",
    "?",
    "/",
    "//",
    ":",
    "%00",
    "[",
]


def test_an_address_that_is_allowed_is_read_the_same_way_by_the_client_that_fetches_it():
    """httpx parses addresses by itself: what it does not refuse must lead to the host we saw."""
    allowed = 0
    for before, between, after in itertools.product(ODD_BITS, repeat=3):
        for url in (
            f"{before}https:{between}//{L}{after}/keys",
            f"https://{before}{L[:5]}{between}{L[5:]}{after}keys",
        ):
            if PUBLIC.may_publish_keys_at(url):
                allowed += 1
                assert read_by_httpx(url) in {("https", L, None), None}
    assert allowed > 100


def read_by_httpx(text):
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return None
    return (url.scheme, url.host, url.port) if url.host else None


OURS = {
    "v2": "https://login.microsoftonline.com/{tenantid}/v2.0",
    "v1": "https://sts.windows.net/{tenantid}/",
    "External ID": "https://{tenantid}.ciamlogin.com/{tenantid}/v2.0",
    "US Government": "https://login.microsoftonline.us/{tenantid}/v2.0",
    "China, v1": "https://sts.chinacloudapi.cn/{tenantid}/",
}


@pytest.mark.parametrize("template", OURS.values(), ids=OURS)
def test_an_issuer_of_our_tenant_is_taken_and_its_template_filled(template):
    filled = template.replace("{tenantid}", TID)
    assert PUBLIC.issuer(filled) == filled
    assert PUBLIC.issuer(template) == filled


H = f"https://{L}"
FOREIGN = {
    "another tenant": f"{H}/{OTHER}/v2.0",
    "the tenant of personal accounts": f"{H}/{PERSONAL}/v2.0",
    "ours with a prefix": f"{H}/x{TID}/v2.0",
    "ours with a suffix": f"{H}/{TID}x/v2.0",
    "ours before an encoded slash": f"{H}/{TID}%2Fv2.0",
    "two in one segment": f"{H}/{TID}.{OTHER}/v2.0",
    "ours in the query": f"{H}/{OTHER}/v2.0?{TID}",
    "ours in the query between slashes": f"{H}/{OTHER}/v2.0?/{TID}/",
    "ours in the fragment": f"{H}/{OTHER}/v2.0#/{TID}/",
    "ours in the host": f"https://{TID}.ciamlogin.com/{OTHER}/v2.0",
    "ours as the user": f"https://{TID}@{L}/{OTHER}/v2.0",
    "ours but for a digit": f"{H}/{TID[:-1]}/v2.0",
    "ours without dashes": f"{H}/{TID.replace('-', '')}/v2.0",
    "a template in capitals": f"{H}/{{TENANTID}}/v2.0",
    "another template": f"{H}/{{tenant}}/v2.0",
    "a template with a prefix": f"{H}/x{{tenantid}}/v2.0",
    "a template in the host": "https://{tenantid}.example/v2.0",
    "all tenants": f"{H}/common/v2.0",
    "no tenant": f"{H}/",
    "no address": f"https://[bad/{TID}/v2.0",
    "nothing": "",
    "a number": 7,
    "null": None,
    "true": True,
    "a list": [f"{H}/{TID}/v2.0"],
    "an object": {"issuer": f"{H}/{TID}/v2.0"},
    "bytes": f"{H}/{TID}/v2.0".encode(),
}


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_an_issuer_that_does_not_hold_our_tenant_in_its_path_is_anothers(text):
    assert PUBLIC.issuer(text) is None


def test_a_tenant_id_in_capitals_is_not_ours_in_an_issuer():
    lettered = Authority(PUBLIC.host, "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
    issuer = f"{lettered.url}/v2.0"
    assert lettered.issuer(issuer) == issuer
    assert lettered.issuer(f"{PUBLIC.host}/{lettered.tenant_id.upper()}/v2.0") is None


WORDS = {
    "https://contoso.ciamlogin.com/": "External ID",
    f"https://{TID}.ciamlogin.com/{TID}/v2.0": "External ID",
    f"https://contoso.b2clogin.com/{TID}/v2.0/": "Azure AD B2C",
    "https://LOGIN.microsoftonline.COM/": "the public cloud",
    "https://login.microsoftonline.us:443/": "the US Government cloud",
    "https://ciamlogin.com/": None,
    "https://evilciamlogin.com/": None,
    "https://contoso.ciamlogin.com.evil.example/": None,
    "https://login.microsoftonline.com.evil.example/": None,
    "https://evil.example/login.microsoftonline.com": None,
    "https://login.microsoftonline.com@evil.example/": None,
    "login.microsoftonline.com": None,
    "https://[login.microsoftonline.com/": None,
    "": None,
}


def test_a_cloud_is_told_by_its_host_in_words():
    assert {url: cloud_of(url) for url in WORDS} == WORDS


def test_the_host_of_what_is_no_address_is_empty():
    assert host_of("https://Login.Example:1/x") == "login.example"
    assert [host_of(text) for text in ("", "x", "https://", "https://[", "/x")] == [""] * 5


@pytest.mark.parametrize(("cloud", "host"), HOSTS, ids=[host for _, host in HOSTS])
def test_a_key_may_name_an_issuer_of_this_tenant_in_the_same_cloud_and_in_no_other(cloud, host):
    authority = Authority(f"https://{host}", TID)
    for theirs, other in HOSTS:
        for path in (f"{TID}/v2.0", "{tenantid}/v2.0", f"{TID}/"):
            assert authority.owns(f"https://{other}/{path}", ()) == (theirs == cloud), other
        for stranger in (OTHER, PERSONAL):
            assert not authority.owns(f"https://{other}/{stranger}/v2.0", ())


def test_a_key_of_an_external_tenant_may_name_the_public_cloud():
    assert EXTERNAL.owns(f"https://login.microsoftonline.com/{TID}/v2.0", ())
    assert EXTERNAL.owns(f"https://{TID}.ciamlogin.com/{TID}/v2.0", ())
    assert not EXTERNAL.owns(f"https://login.microsoftonline.us/{TID}/v2.0", ())
    assert not PUBLIC.owns(f"https://contoso.ciamlogin.com/{TID}/v2.0", ())


def test_a_key_at_a_host_of_no_known_cloud_must_name_that_host_or_an_issuers():
    authority = Authority("https://login.example", TID)
    elsewhere = f"https://elsewhere.example/{TID}/v2.0"
    assert authority.owns(f"https://login.example/{TID}/v2.0", ())
    assert not authority.owns(elsewhere, ())
    assert not authority.owns(elsewhere, [f"https://login.example/{TID}/v2.0"])
    assert authority.owns(elsewhere, [f"https://elsewhere.example/{TID}/"])
    assert not authority.owns(f"https://elsewhere.example/{OTHER}/v2.0", [elsewhere])
