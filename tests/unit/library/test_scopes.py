"""Scopes of one exchange."""

import pytest

from obo_mcp.exchange.scopes import Scopes


def test_scopes_are_kept_in_a_fixed_order_without_repetition():
    one = Scopes.parse("https://g.example/Mail.Read https://g.example/Files.Read")
    two = Scopes.parse(
        "https://g.example/Files.Read  https://g.example/Mail.Read https://g.example/Mail.Read"
    )
    assert one == two
    assert one.resource == "https://g.example"


def test_a_resource_may_be_an_application_id_uri():
    assert Scopes.parse("api://expenses/.default").resource == "api://expenses"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Mail.Read",
        "openid",
        "offline_access",
        "https://g.example/",
        "a://x/s b://y/s",
        "https://graph.microsoft.com",
        "api://a",
        "api://a api://b",
        "api:///s",
        "https://g.example/.default https://g.example/Mail.Read",
    ],
)
def test_scopes_that_entra_would_misread_are_refused(text):
    with pytest.raises(ValueError, match=r"scope|resource"):
        Scopes.parse(text)
