import pytest

from obo_graph.catalogue import BY_NAME, ENTRIES, permissions, select
from obo_graph.settings import GraphSettings
from obo_mcp import ConfigurationError


def test_there_are_thirty_four_tools_in_three_tiers():
    tiers = [entry.tier for entry in ENTRIES]
    assert (tiers.count("core"), tiers.count("write"), tiers.count("extra")) == (16, 11, 7)
    assert len(BY_NAME) == 34


def test_the_tools_that_read_are_offered_by_default_but_the_escape_hatch():
    offered = GraphSettings().offered
    assert len(offered) == 18
    assert "graph_get" not in offered
    assert not [name for name in offered if BY_NAME[name].writes]


def test_leave_to_write_adds_the_tools_that_write():
    offered = GraphSettings(read_only=False).offered
    assert len(offered) == 33
    assert "mail_send" in offered


@pytest.mark.parametrize(
    ("names", "tools"),
    [
        (("calendar_view", "whoami"), ("whoami", "calendar_view")),
        (("tasks",), ("tasks_list", "task_create", "task_update")),
        (("tasks", "-task_create"), ("tasks_list", "task_update")),
        (("graph",), ("graph_get",)),
        (("graph_get", "whoami"), ("whoami", "graph_get")),
        (("-graph_get", "graph_get"), ()),
    ],
)
def test_tools_are_chosen_by_name_group_and_tier(names, tools):
    assert select(names) == tools


def test_a_tier_can_be_chosen_and_a_group_taken_away():
    chosen = select(("core", "-mail"))
    assert {BY_NAME[name].tier for name in chosen} == {"core"}
    assert "mail_read" not in chosen
    assert len(chosen) == 16 - 5


def test_taking_away_alone_begins_with_everything_but_the_escape_hatch():
    assert select(("-mail_send",)) == tuple(
        name for name in BY_NAME if name not in {"mail_send", "graph_get"}
    )


def test_choosing_the_tier_of_the_escape_hatch_does_not_open_it():
    assert "graph_get" not in select(("extra",))


def test_an_unknown_tool_is_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"no such tool.*core, people.*mail_search"):
        select(("mail_delete",))


def test_a_tool_that_writes_is_not_silently_left_out_when_it_was_named():
    with pytest.raises(ConfigurationError, match=r"mail_send.*OBO_MCP_READ_ONLY=false"):
        GraphSettings(tools="mail_read mail_send")


def test_one_token_for_all_tools_needs_only_the_widest_permissions():
    assert permissions(["mail_search", "mail_draft", "mail_folders"]) == [
        "Files.Read.All",
        "Mail.ReadWrite",
        "MailboxSettings.Read",
        "User.Read",
    ]


def test_a_token_for_each_tool_needs_the_permission_of_each():
    assert permissions(["mail_folders", "mail_update"], each=True) == [
        "Mail.ReadBasic",
        "Mail.ReadWrite",
    ]


def test_a_tool_asks_for_everything_consented_to_unless_told_otherwise():
    assert GraphSettings().scope_for("mail_send") == "https://graph.microsoft.com/.default"


def test_a_tool_can_ask_for_no_more_than_its_own_permissions():
    settings = GraphSettings(graph_scopes="tool", graph_resource="https://graph.microsoft.com/")
    assert settings.scope_for("mail_folders") == "https://graph.microsoft.com/Mail.ReadBasic"
    assert settings.scope_for("graph_get") == "https://graph.microsoft.com/.default"


@pytest.mark.parametrize("domain", ["@contoso.com", "contoso", "a b.com", "https://x.com"])
def test_domains_of_recipients_are_checked(domain):
    with pytest.raises(ConfigurationError):
        GraphSettings(recipient_domains=(domain,))
