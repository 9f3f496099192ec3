import httpx
import pytest

from unit.graph_server.world import error, throttled

ME = {
    "id": "48d31887",
    "displayName": "Megan\u200b Bowen",
    "mail": "megan@contoso.example",
    "userPrincipalName": "megan@contoso.example",
    "jobTitle": "Auditor",
    "officeLocation": None,
    "preferredLanguage": "en-GB",
}
SETTINGS = {
    "timeZone": "Tokyo Standard Time",
    "workingHours": {
        "daysOfWeek": ["monday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
    },
    "automaticRepliesSetting": {"status": "alwaysEnabled"},
}


async def test_the_person_is_shown_with_their_rhythm(world):
    world.network.on("/v1.0/me", ME)
    world.network.on("/v1.0/me/mailboxSettings", SETTINGS)
    assert await world.told("whoami") == {
        "id": "48d31887",
        "name": "Megan Bowen",
        "mail": "megan@contoso.example",
        "user_principal_name": "megan@contoso.example",
        "job_title": "Auditor",
        "language": "en-GB",
        "time_zone": "Asia/Tokyo",
        "now": "2026-11-18T20:06+09:00",
        "working_hours": "Mon, Fri 08:00-17:00",
        "automatic_replies": "alwaysEnabled",
    }


async def test_without_mailbox_settings_times_are_said_to_be_in_utc(world):
    world.network.on("/v1.0/me/mailboxSettings", error(403, "ErrorAccessDenied"))
    told = await world.told("whoami")
    assert told["time_zone"] == "UTC"
    assert "UTC" in told["note"]


async def test_a_time_zone_that_nobody_knows_is_named(world):
    world.network.on("/v1.0/me/mailboxSettings", {"timeZone": "tzone://Microsoft/Custom"})
    told = await world.told("whoami")
    assert told["time_zone"] == "UTC"
    assert told["note"].startswith("Time zone tzone://Microsoft/Custom is not known")


@pytest.mark.parametrize("odd", [{}, {"workingHours": 3}, {"timeZone": ["x"]}, {"timeZone": "?"}])
async def test_odd_mailbox_settings_do_no_harm(world, odd):
    world.network.on("/v1.0/me/mailboxSettings", odd)
    assert (await world.told("whoami"))["time_zone"] == "UTC"


async def test_a_missing_scope_is_named(world):
    world.network.on("/v1.0/me", error(403, "Authorization_RequestDenied"))
    assert (await world.refused("whoami"))["missing_scope"] == "User.Read"


async def test_throttling_is_waited_out(world):
    world.network.on("/v1.0/me", throttled(), ME)
    assert (await world.told("whoami"))["name"] == "Megan Bowen"


async def test_a_sign_in_that_graph_refuses_asks_for_a_new_one(world):
    world.network.on("/v1.0/me", error(401, "InvalidAuthenticationToken"))
    assert (await world.refused("whoami"))["error"] == "sign_in_needed"


async def test_a_claims_challenge_that_nobody_can_read_asks_for_a_new_sign_in(world):
    challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3MiOnt9f?"'
    world.network.on(
        "/v1.0/me", error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)
    )
    refused = await world.refused("whoami")
    assert refused["error"] == "sign_in_needed"
    assert "policy" in refused["hint"]
    assert "eyJ" not in str(refused)


@pytest.mark.parametrize("content", [b"<html>502</html>", b"[1]", b"", b"\xff", b'{"a":' * 9999])
async def test_an_answer_that_is_no_object_is_an_error_in_words(world, content):
    world.network.on("/v1.0/me", httpx.Response(200, content=content))
    assert (await world.refused("whoami"))["error"] == "unexpected_answer"


async def test_a_gateway_page_is_an_error_in_words(world):
    world.network.on("/v1.0/me", httpx.Response(502, html="<b>Bad gateway</b>"))
    assert (await world.refused("whoami"))["error"] == "failed"
