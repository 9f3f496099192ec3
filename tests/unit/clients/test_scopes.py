"""`obo-mcp scopes`: what to consent to for the tools that are enabled."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from obo_cli import scopes

TENANT = "11111111-0000-4000-8000-000000000001"
CLIENT = "11111111-0000-4000-8000-000000000002"
NAMED = {"OBO_MCP_TENANT_ID": TENANT, "OBO_MCP_CLIENT_ID": CLIENT}
UNNAMED = dict.fromkeys(("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"))


@pytest.fixture
def run(obo, obo_app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obo_app.command()(scopes.scopes)

    def run(*words, **env):
        return obo("scopes", *words, env=UNNAMED | env)

    return run


def test_the_permissions_stand_one_on_a_line_and_nothing_else_on_stdout(run):
    outcome = run(OBO_MCP_TOOLS="whoami people_search")
    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines() == [
        "Contacts.Read",
        "MailboxSettings.Read",
        "People.Read",
        "User.Read",
        "User.ReadBasic.All",
    ]
    assert "administrator" in outcome.stderr


def test_writes_ask_for_more_only_where_they_are_enabled(run):
    reads = run(OBO_MCP_TOOLS="mail").stdout.split()
    writes = run(OBO_MCP_TOOLS="mail", OBO_MCP_READ_ONLY="false").stdout.split()
    assert not [scope for scope in reads if "Write" in scope or "Send" in scope]
    assert {"Mail.ReadWrite", "Mail.Send"} <= set(writes)
    assert "Mail.Read" not in writes, "Mail.ReadWrite includes it"


def test_a_token_for_each_tool_needs_each_permission_by_itself(run):
    settings = {"OBO_MCP_TOOLS": "mail", "OBO_MCP_READ_ONLY": "false"}
    each = run(**settings, OBO_MCP_GRAPH_SCOPES="tool").stdout.split()
    assert {"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"} <= set(each)


def test_by_tool_what_it_can_do_without_stands_in_brackets(run):
    settings = {"OBO_MCP_TOOLS": "people_search graph_get"}
    assert run("--by-tool", **settings).stdout.splitlines() == [
        "people_search  People.Read [User.ReadBasic.All] [Contacts.Read]",
        "graph_get      whatever was consented to",
    ]


def link_in(text):
    (link,) = [line for line in text.splitlines() if line.startswith("https://")]
    parts = urlsplit(link)
    return parts, parse_qs(parts.query, strict_parsing=True)


def test_an_administrator_gets_a_link_to_exactly_these_permissions(run):
    resource = {"OBO_MCP_RESOURCE_URL": "https://mcp.contoso.example/mcp"}
    outcome = run(OBO_MCP_TOOLS="whoami", **NAMED, **resource)
    parts, query = link_in(outcome.stderr)
    assert parts.netloc == "login.microsoftonline.com"
    assert parts.path == f"/{TENANT}/v2.0/adminconsent"
    assert query == {
        "client_id": [CLIENT],
        "scope": [
            "https://graph.microsoft.com/MailboxSettings.Read https://graph.microsoft.com/User.Read"
        ],
        "redirect_uri": ["https://mcp.contoso.example/.well-known/obo-mcp/consent"],
    }


def test_the_link_follows_the_cloud_and_the_page_that_are_set(run):
    outcome = run(
        OBO_MCP_TOOLS="whoami",
        **NAMED,
        OBO_MCP_AUTHORITY_HOST="https://login.microsoftonline.us",
        OBO_MCP_GRAPH_URL="https://graph.microsoft.us",
        OBO_MCP_CONSENT_REDIRECT_URL="https://portal.contoso.example/done",
    )
    parts, query = link_in(outcome.stderr)
    assert parts.netloc == "login.microsoftonline.us"
    assert query["scope"][0].split()[0] == "https://graph.microsoft.us/MailboxSettings.Read"
    assert query["redirect_uri"] == ["https://portal.contoso.example/done"]


def test_without_a_page_to_return_to_the_link_says_what_is_missing(run):
    outcome = run(OBO_MCP_TOOLS="whoami", **NAMED)
    assert "redirect_uri" not in link_in(outcome.stderr)[1]
    assert "redirect_uri" in outcome.stderr


def test_without_a_registration_there_is_no_link(run):
    outcome = run("--json", OBO_MCP_TOOLS="whoami")
    assert set(json.loads(outcome.stdout)) == {"scopes", "tools"}
    assert "OBO_MCP_TENANT_ID" in run(OBO_MCP_TOOLS="whoami").stderr


def test_as_json_all_of_it_is_on_stdout(run):
    outcome = run("--json", OBO_MCP_TOOLS="chat_read graph_get", **NAMED)
    facts = json.loads(outcome.stdout)
    assert facts["scopes"] == ["Chat.Read", "MailboxSettings.Read"]
    assert facts["tools"]["chat_read"] == {
        "scopes": ["Chat.Read"],
        "optional": ["MailboxSettings.Read"],
    }
    assert facts["tools"]["graph_get"] == {"scopes": [], "optional": []}
    assert link_in(facts["admin_consent_url"])


def test_no_permissions_are_no_reason_for_a_link(run):
    outcome = run("--json", OBO_MCP_TOOLS="graph_get", **NAMED)
    assert "admin_consent_url" not in json.loads(outcome.stdout)
    outcome = run(OBO_MCP_TOOLS="graph_get", **NAMED)
    assert outcome.stdout == ""
    assert "nothing to consent to" in outcome.stderr
    assert "OBO_MCP_TENANT_ID" not in outcome.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OBO_MCP_TOOLS", "no_such_tool"),
        ("OBO_MCP_TENANT_ID", "contoso"),
        ("OBO_MCP_AUTHORITY_HOST", "http://x"),
        ("OBO_MCP_GRAPH_URL", "https://graph.microsoft.us"),
    ],
)
def test_a_wrong_setting_is_named_and_ends_it(run, name, value):
    outcome = run(**{name: value})
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{name}: ")
    assert outcome.stdout == ""
