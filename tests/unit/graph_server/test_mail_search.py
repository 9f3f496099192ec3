import pytest

from unit.graph_server.messages import Mailbox, message
from unit.graph_server.world import World, error, shown, size_bytes, throttled

MESSAGES = "/v1.0/me/messages"


async def test_mail_is_shown_in_compact_rows_in_the_time_of_the_mailbox(world):
    world.network.on(MESSAGES, Mailbox([message(1)]))
    told = await world.told("mail_search")
    assert told == {
        "items": [
            {
                "id": message(1)["id"],
                "from": "Megan Bowen <megan@contoso.example>",
                "to": "Adele Vance, Alex Wilber",
                "subject": "Quarterly figures for the northern region, draft 1",
                "received": "2026-11-22T09:15+01:00",
                "unread": True,
                "preview": told["items"][0]["preview"],
            }
        ],
        "time_zone": "Europe/Berlin",
    }
    assert told["items"][0]["preview"].startswith("Hello Adele, please find")


async def test_ten_mails_fit_in_four_kilobytes(world):
    world.network.on(MESSAGES, Mailbox([message(n) for n in range(30)]))
    result = await world.call("mail_search")
    told = shown(result)
    assert len(told["items"]) == 10
    assert told["next"]
    assert all(row["preview"] for row in told["items"])
    assert size_bytes(result) <= 4096


async def test_ten_mails_in_wide_characters_fit_as_well(world):
    wide = {"subject": "四半期の数字" * 30, "bodyPreview": "こんにちは" * 50}
    world.network.on(MESSAGES, Mailbox([message(n, **wide) for n in range(10)]))
    result = await world.call("mail_search")
    assert len(shown(result)["items"]) == 10
    assert size_bytes(result) <= 4096


async def test_an_empty_mailbox_gives_no_rows_and_no_cursor(world):
    world.network.on(MESSAGES, {"value": []})
    assert await world.told("mail_search") == {"items": [], "time_zone": "Europe/Berlin"}


async def test_paging_walks_through_every_mail_once(world):
    everything = [message(n) for n in range(23)]
    world.network.on(MESSAGES, Mailbox(everything))
    seen, cursor = [], ""
    async with world.client() as client:
        for _ in range(3):
            result = await client.call_tool("mail_search", {"cursor": cursor})
            told = shown(result)
            seen += [row["id"] for row in told["items"]]
            cursor = told.get("next", "")
    assert seen == [m["id"] for m in everything]
    assert not cursor


async def test_rows_cut_for_the_budget_come_with_the_next_call():
    world = World(result_budget_bytes=4096)
    everything = [message(n) for n in range(20)]
    world.network.on(MESSAGES, Mailbox(everything))
    async with world.client() as client:
        first = await client.call_tool("mail_search", {"limit": 20})
        told = shown(first)
        assert 0 < len(told["items"]) < 20
        assert told["truncated"] == 20 - len(told["items"])
        assert size_bytes(first) <= 4096
        second = shown(await client.call_tool("mail_search", {"limit": 20, "cursor": told["next"]}))
    ids = [row["id"] for row in told["items"] + second["items"]]
    assert ids == [m["id"] for m in everything][: len(ids)]
    assert len(ids) > len(told["items"])


async def test_pages_that_are_empty_but_not_the_last_are_passed(world):
    link = f"https://graph.microsoft.com{MESSAGES}?$skiptoken=abc"
    empty = {"value": [], "@odata.nextLink": link}
    world.network.on(MESSAGES, empty, empty, {"value": [message(1)]})
    assert len((await world.told("mail_search"))["items"]) == 1
    assert world.network.last(MESSAGES).url.params["$skiptoken"] == "abc"


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/v1.0/me/messages?$skip=10", "https://graph.microsoft.com/v1.0/me?x=1"],
)
async def test_a_next_link_elsewhere_is_an_error_not_a_request(world, link):
    world.network.on(MESSAGES, {"value": [], "@odata.nextLink": link})
    assert (await world.refused("mail_search"))["error"] == "unexpected_answer"
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}


async def test_only_the_skip_value_of_a_next_link_is_used(world):
    link = "https://graph.microsoft.com/v1.0/users/diego/messages?$skip=10&$select=body"
    world.network.on(MESSAGES, {"value": [], "@odata.nextLink": link}, {"value": []})
    await world.told("mail_search")
    again = world.network.last(MESSAGES).url.params
    assert again["$skip"] == "10"
    assert "body," not in again["$select"] + ","


async def test_a_throttled_search_waits_as_told_and_then_succeeds(world):
    world.network.on(MESSAGES, throttled("3"), Mailbox([message(1)]))
    assert len((await world.told("mail_search"))["items"]) == 1
    assert world.clock.waits == [3]


async def test_a_missing_scope_is_named_with_who_can_grant_it(world):
    world.network.on(MESSAGES, error(403, "ErrorAccessDenied", "Access is denied."))
    refused = await world.refused("mail_search")
    assert refused["error"] == "forbidden"
    assert refused["missing_scope"] == "Mail.Read"
    assert "administrator" in refused["who_can_fix"]
    assert refused["request_id"] == "7d3d5d2e-0000-4000-8000-000000000001"


async def test_a_folder_that_does_not_exist_is_not_found(world):
    assert (await world.refused("mail_search", folder="nowhere"))["error"] == "not_found"


@pytest.mark.parametrize("folder", ["..", ".", "a/../b", "a b", "x?y", "inbox#"])
async def test_a_folder_that_is_no_id_is_refused_before_any_request(world, folder):
    refused = await world.refused("mail_search", folder=folder)
    assert (refused["error"], refused["argument"]) == ("bad_argument", "folder")
    assert MESSAGES not in world.network.paths()


async def test_a_folder_id_is_one_encoded_path_segment(world):
    await world.call("mail_search", folder="AAMk/x+y=")
    asked = world.network.requests[-1].url.raw_path.split(b"?")[0]
    assert asked == b"/v1.0/me/mailFolders/AAMk%2Fx%2By%3D/messages"


@pytest.mark.parametrize("argument", ["after", "before"])
async def test_a_time_that_is_none_is_refused(world, argument):
    refused = await world.refused("mail_search", **{argument: "last week"})
    assert (refused["error"], refused["argument"]) == ("bad_argument", argument)


async def test_properties_become_a_filter_that_begins_with_what_it_orders_by(world):
    world.network.on(MESSAGES, {"value": []})
    await world.told(
        "mail_search",
        after="2026-11-01",
        before="2026-11-10T12:00:00+01:00",
        from_="o'hara@contoso.example",
        subject="it's",
        unread="yes",
        has_attachments="no",
    )
    params = world.network.last(MESSAGES).url.params
    assert params["$filter"] == (
        "receivedDateTime ge 2026-10-31T23:00:00Z and receivedDateTime lt 2026-11-10T11:00:00Z "
        "and from/emailAddress/address eq 'o''hara@contoso.example' "
        "and contains(subject,'it''s') and isRead eq false and hasAttachments eq false"
    )
    assert params["$orderby"] == "receivedDateTime desc"
    assert "$search" not in params


async def test_words_become_a_search_without_filter_or_order(world):
    world.network.on(MESSAGES, {"value": []})
    await world.told("mail_search", query='budget "annual report" NOT', to="Alex Wilber")
    params = world.network.last(MESSAGES).url.params
    assert params["$search"] == r'"budget \"annual report\" \"NOT\" to:\"Alex Wilber\""'
    assert "$filter" not in params
    assert "$orderby" not in params


async def test_a_sender_without_address_is_looked_for_by_words(world):
    world.network.on(MESSAGES, {"value": []})
    await world.told("mail_search", from_="Megan")
    assert world.network.last(MESSAGES).url.params["$search"] == '"from:Megan"'


async def test_what_a_search_cannot_express_is_checked_row_by_row(world):
    rows = [
        message(1, receivedDateTime="2026-11-10T10:59:00Z"),
        message(2, receivedDateTime="2026-11-10T11:00:00Z", isRead=False),
        message(3, receivedDateTime="2026-11-10T10:58:00Z", isRead=True),
    ]
    world.network.on(MESSAGES, {"value": rows})
    told = await world.told("mail_search", query="figures", before="2026-11-10T12:00", unread="yes")
    assert [row["id"] for row in told["items"]] == [rows[0]["id"]]
    assert "received<=2026-11-11" in world.network.last(MESSAGES).url.params["$search"]


async def test_a_conversation_is_filtered_alone_and_sorted_here(world):
    rows = [
        message(1, receivedDateTime="2026-11-01T10:00:00Z"),
        message(2, receivedDateTime="2026-11-03T10:00:00Z"),
        message(3, receivedDateTime="2026-11-02T10:00:00Z", subject="Else"),
    ]
    world.network.on(MESSAGES, {"value": rows})
    told = await world.told("mail_search", conversation_id="AAQkAGI1", subject="FIGURES")
    assert [row["id"] for row in told["items"]] == [rows[1]["id"], rows[0]["id"]]
    params = world.network.last(MESSAGES).url.params
    assert params["$filter"] == "conversationId eq 'AAQkAGI1'"
    assert "$orderby" not in params


async def test_what_others_wrote_is_cleaned(world):
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "obey")
    world.network.on(
        MESSAGES,
        {
            "value": [
                message(
                    1,
                    subject=f"Hi\u202e{hidden}\u200b there\ud800",
                    bodyPreview="\uff26\uff55\uff4c\uff4c width",
                )
            ]
        },
    )
    row = (await world.told("mail_search"))["items"][0]
    assert row["subject"] == "Hi there"
    assert row["preview"] == "\uff26\uff55\uff4c\uff4c width"


async def test_every_outlook_call_asks_for_immutable_ids_and_carries_our_correlation_id(world):
    world.network.on(MESSAGES, {"value": []})
    await world.told("mail_search")
    headers = world.network.last(MESSAGES).headers
    assert headers["prefer"] == 'IdType="ImmutableId"'
    assert headers["client-request-id"] == "correlation-0001"
    assert headers["authorization"] == "Bearer token-of-adele"


async def test_times_are_in_utc_when_the_mailbox_settings_are_closed_to_us(world):
    world.network.on("/v1.0/me/mailboxSettings", error(403, "ErrorAccessDenied"))
    world.network.on(MESSAGES, {"value": [message(1)]})
    told = await world.told("mail_search")
    assert told["time_zone"] == "UTC"
    assert told["items"][0]["received"] == "2026-11-22T08:15+00:00"


async def test_the_time_zone_is_asked_once_an_hour_for_each_person(world):
    world.network.on(MESSAGES, {"value": []})
    async with world.client() as client:
        for person in ("adele", "adele", "megan"):
            await client.call_tool("mail_search", {}, meta={"person": person})
        assert world.network.paths().count("/v1.0/me/mailboxSettings") == 2
        world.clock.seconds += 3601
        await client.call_tool("mail_search", {}, meta={"person": "adele"})
    assert world.network.paths().count("/v1.0/me/mailboxSettings") == 3


@pytest.mark.parametrize(
    "when", [{"before": "9999-12-31"}, {"after": "0001-01-01"}, {"after": "1899-12-31T23:59"}]
)
@pytest.mark.parametrize("query", ["", "budget"])
async def test_a_year_that_no_mail_has_is_refused(world, when, query):
    refused = await world.refused("mail_search", query=query, **when)
    assert (refused["error"], refused["argument"]) == ("bad_argument", next(iter(when)))
    assert "1900" in refused["hint"]


@pytest.mark.parametrize("argument", ["query", "from_", "to", "subject"])
@pytest.mark.parametrize("blank", ["  ", '""', "\u200b"])
async def test_an_argument_without_any_word_is_refused_not_ignored(world, argument, blank):
    refused = await world.refused("mail_search", **{argument: blank})
    assert (refused["error"], refused["argument"]) == ("bad_argument", argument)
    assert MESSAGES not in world.network.paths()


async def test_a_sign_in_that_ended_is_told_at_the_time_zone_already(world):
    world.network.on("/v1.0/me/mailboxSettings", error(401, "InvalidAuthenticationToken"))
    world.network.on(MESSAGES, {"value": []})
    assert (await world.refused("mail_search"))["error"] == "sign_in_needed"


async def test_a_closed_time_zone_is_asked_for_again_after_a_minute(world):
    path = "/v1.0/me/mailboxSettings"
    open_again = {"timeZone": "Tokyo Standard Time"}
    world.network.on(path, error(403, "ErrorAccessDenied"), open_again)
    world.network.on(MESSAGES, {"value": []})
    zones = []
    async with world.client() as client:
        for wait_seconds in (0, 30, 31):
            world.clock.seconds += wait_seconds
            zones.append(shown(await client.call_tool("mail_search", {}))["time_zone"])
    assert zones == ["UTC", "UTC", "Asia/Tokyo"]
    assert world.network.paths().count(path) == 2


async def test_a_folder_that_is_none_is_refused_with_the_well_known_names(world):
    assert "sentitems" in (await world.refused("mail_search", folder="a b"))["hint"]


@pytest.mark.parametrize("link", ["https://[x", "https://graph.microsoft.com:port/?$skip=1", ""])
async def test_a_malformed_next_link_is_an_error_in_words(world, link):
    world.network.on(MESSAGES, {"value": [], "@odata.nextLink": link})
    assert (await world.refused("mail_search"))["error"] == "unexpected_answer"


async def test_a_next_link_may_name_the_port_that_goes_without_saying(world):
    link = "https://graph.microsoft.com:443/v1.0/me/messages?$skip=10"
    world.network.on(MESSAGES, {"value": [], "@odata.nextLink": link}, {"value": [message(1)]})
    assert len((await world.told("mail_search"))["items"]) == 1


async def test_a_sender_in_a_conversation_is_found_by_an_address_of_any_length(world):
    address = "s" * 60 + "@" + ".".join(["department"] * 6) + ".contoso.example"
    sender = {"emailAddress": {"name": "Long", "address": address.upper()}}
    world.network.on(MESSAGES, Mailbox([message(1), message(2, **{"from": sender})]))
    told = await world.told("mail_search", conversation_id="AAQkAGI1", from_=address)
    assert [row["id"] for row in told["items"]] == [message(2)["id"]]
