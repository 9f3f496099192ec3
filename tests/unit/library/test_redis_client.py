"""From addresses to a client: what is refused at start, and in which words."""

import subprocess
import sys

import pytest

from obo_mcp.cache.redis_client import connect
from obo_mcp.errors import ConfigurationError
from support.cached import redis_settings

HIDDEN = "canary"


def refused(url, **changes):
    settings = redis_settings(url, **changes)
    with pytest.raises(ConfigurationError) as refusal:
        connect(settings)
    words = str(refusal.value)
    assert HIDDEN not in words
    assert "\n" not in words
    assert refusal.value.__cause__ is None
    return words


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{HIDDEN}@host:port/0",
        f"redis://user:{HIDDEN}/with/slashes@host:6379/0",
        f"redis://user:{HIDDEN}@host:99999",
        f"rediss://user:{HIDDEN}@[::1",
        f"redis://host?db={HIDDEN}",
        ",",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_being_shown(url):
    assert refused(url).startswith("OBO_MCP_REDIS_URL must hold addresses such as rediss://")


@pytest.mark.parametrize(
    "option",
    ["ssl_cert_reqs=none", "decode_responses=1", "retry_on_timeout=1", f"{HIDDEN}=1", "protocol=3"],
)
def test_an_option_that_would_change_how_connections_behave_is_refused(option):
    words = refused(f"rediss://:{HIDDEN}@host:6379/0?{option}")
    assert words.startswith("OBO_MCP_REDIS_URL may have the options db, sentinel_password,")


def test_a_missing_file_is_refused(tmp_path):
    words = refused(f"rediss://host?ssl_ca_certs={tmp_path}/{HIDDEN}.pem")
    assert words == "OBO_MCP_REDIS_URL names a file that this process cannot read"


def test_a_file_that_is_no_certificate_is_refused(tmp_path):
    wrong = tmp_path / f"{HIDDEN}.pem"
    wrong.write_text("not a certificate")
    words = refused(f"rediss://host?ssl_certfile={wrong}")
    assert words == "OBO_MCP_REDIS_URL names a file that is no certificate or key"


@pytest.mark.parametrize(
    ("url", "changes", "words"),
    [
        ("redis://a,redis://b", {}, "holds several addresses: set OBO_MCP_REDIS_CLUSTER or"),
        ("redis://a rediss://b", {"redis_cluster": True}, "must use TLS for all addresses"),
        ("redis://a/1", {"redis_cluster": True}, "a cluster has number 0 alone"),
        ("unix:///a", {"redis_cluster": True}, "must name hosts, for Sentinel or a cluster"),
        ("unix:///a", {"redis_sentinel_service": "obo"}, "must name hosts"),
        ("redis:///1", {"redis_sentinel_service": "obo"}, "must name hosts"),
    ],
)
def test_addresses_that_do_not_go_together_are_refused(url, changes, words):
    assert words in refused(url, **changes)


def test_without_an_address_there_is_nothing_to_connect_to():
    settings = redis_settings("redis://host", redis_url=None)
    with pytest.raises(ConfigurationError, match=r"^OBO_MCP_REDIS_URL is not set$"):
        connect(settings)


def test_without_the_package_the_refusal_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    assert refused(f"redis://:{HIDDEN}@host") == (
        "OBO_MCP_REDIS_URL is set, and the package redis is not installed: "
        "pip install obo-mcp[redis]"
    )


def test_the_library_is_imported_without_the_package():
    program = (
        "import sys; sys.modules['redis'] = None;"
        "import obo_mcp, obo_mcp.cache.redis, obo_mcp.cache.redis_client, obo_mcp.cache.tiered"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_client_does_not_show_its_password():
    for changes in ({}, {"redis_cluster": True}, {"redis_sentinel_service": "obo"}):
        url = f"rediss://user:{HIDDEN}@127.0.0.1:1?sentinel_password={HIDDEN}"
        client = connect(redis_settings(url, **changes))
        assert HIDDEN not in repr(client)
        assert HIDDEN not in repr(getattr(client, "connection_pool", ""))
