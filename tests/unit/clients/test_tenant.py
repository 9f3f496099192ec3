"""What `obo-mcp tenant` prints for people to paste."""

import shlex

from obo_cli.tenant import in_words


def test_the_settings_can_be_pasted_whatever_stands_in_them(entra):
    awkward = "/a b/Library/Application Support/$(id)/it's.pem"
    told = in_words(entra.facts | {"ca_path": awkward})
    words = shlex.split(told, comments=True)
    exported = dict(word.split("=", 1) for word in words if word.startswith("OBO_MCP_"))
    assert exported["OBO_MCP_CA_BUNDLE"] == awkward
    assert exported["OBO_MCP_CLIENT_SECRET"] == entra.apps["mcp-server"]["client_secret"]
    assert len(words) == 2 * len(exported), "each is `export NAME=VALUE`"


def test_it_tells_the_client_that_people_sign_in_with(entra):
    assert f"--client-id {entra.apps['user-app']['client_id']}" in in_words(entra.facts)
