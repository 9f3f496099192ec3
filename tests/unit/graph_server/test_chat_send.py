"""What is said in a chat is said once, to whom the operator allows."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from unit.graph_server.talk import ADELE, CHAT, ME, MEGAN, member, said
from unit.graph_server.world import World, error, throttled

CHATS = "/v1.0/chats"
MEMBERS, MESSAGES = f"{CHATS}/{CHAT}/members", f"{CHATS}/{CHAT}/messages"
STRANGER = member("Eve", "eve", "eve@elsewhere.example")


@pytest.fixture
def world():
    return made()


def made(**settings):
    world = World(read_only=False, **settings)
    world.network.on(MEMBERS, {"value": [ADELE, MEGAN]})
    world.network.on(CHATS, {"id": CHAT}, method="POST")
    world.network.on(MESSAGES, {"id": "1615"}, method="POST")
    return world


def now(world, **later):
    moment = datetime.fromtimestamp(world.clock.now(), UTC) + timedelta(**later)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def posts(world):
    return [request for request in world.network.requests if request.method == "POST"]


async def test_a_message_to_a_chat_is_posted_once_with_its_text_escaped(world):
    text = "1 < 2 & <script>x</script>\n<b>bold</b>\u200b"
    assert await world.told("chat_send", chat_id=CHAT, text=text) == {
        "sent": True,
        "chat_id": CHAT,
        "id": "1615",
        "people": ["Megan Bowen"],
    }
    (post,) = posts(world)
    assert json.loads(post.content) == {
        "body": {
            "contentType": "html",
            "content": "1 &lt; 2 &amp; &lt;script&gt;x&lt;/script&gt;<br>&lt;b&gt;bold&lt;/b&gt;",
        }
    }


async def test_a_message_to_a_person_goes_to_the_chat_of_the_two(world):
    told = await world.told("chat_send", to="Megan Bowen <megan@contoso.example>", text="Hi")
    assert (told["chat_id"], told["people"]) == (CHAT, ["Megan Bowen"])
    chat, _ = posts(world)
    body = json.loads(chat.content)
    assert body["chatType"] == "oneOnOne"
    assert [one["user@odata.bind"] for one in body["members"]] == [
        "https://graph.microsoft.com/v1.0/users('adele')",
        "https://graph.microsoft.com/v1.0/users('megan@contoso.example')",
    ]


async def test_an_address_stays_one_key_in_the_chat_that_is_made(world):
    await world.told("chat_send", to="o'hara#ext#@contoso.example", text="Hi")
    bound = json.loads(posts(world)[0].content)["members"][1]["user@odata.bind"]
    assert bound.endswith("/users('o''hara%23ext%23@contoso.example')")


@pytest.mark.parametrize("there", [{"chat_id": CHAT}, {"to": "megan@contoso.example"}])
async def test_a_dry_run_checks_and_changes_nothing(world, there):
    told = await world.told("chat_send", **there, text="Hi", dry_run=True)
    assert told["dry_run"] is True
    assert told["would"]["send"] == "Hi"
    assert told["would"]["people"]
    assert posts(world) == []


@pytest.mark.parametrize("there", [{}, {"chat_id": CHAT, "to": "a@b.example"}])
async def test_exactly_one_destination_is_needed(world, there):
    assert (await world.refused("chat_send", **there, text="Hi"))["argument"] == "chat_id"
    assert world.network.requests == []


@pytest.mark.parametrize(
    "to", ["Megan", "a@b@c", "a@b.example,c@d.example", "a@b.example\nBcc: x", "megan bowen@c"]
)
async def test_a_name_without_one_address_is_refused(world, to):
    assert (await world.refused("chat_send", to=to, text="Hi"))["argument"] == "to"
    assert world.network.requests == []


@pytest.mark.parametrize("chat_id", ["..", "a b", "x/../y", "ä"])
async def test_an_id_that_is_none_is_refused(world, chat_id):
    assert (await world.refused("chat_send", chat_id=chat_id, text="Hi"))["argument"] == "chat_id"
    assert world.network.requests == []


@pytest.mark.parametrize("text", ["  \n ", "\u200b\U000e0041"])
async def test_a_text_that_shows_nothing_is_refused(world, text):
    assert (await world.refused("chat_send", chat_id=CHAT, text=text))["argument"] == "text"
    assert world.network.requests == []


async def test_people_outside_are_a_warning(world):
    world.network.on(MEMBERS, {"value": [ADELE, MEGAN, STRANGER]})
    told = await world.told("chat_send", chat_id=CHAT, text="Hi")
    assert "elsewhere.example" in told["warnings"][0]


@pytest.mark.parametrize("address", ["eve@elsewhere.example", None])
async def test_people_outside_the_allowed_domains_stop_it(address):
    world = made(recipient_domains="contoso.example")
    outside = member("Eve", "eve", address)
    world.network.on(MEMBERS, {"value": [ADELE, MEGAN, outside]})
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert refused["error"] == "recipients_refused"
    assert posts(world) == []


async def test_more_people_than_allowed_stop_it():
    world = made(max_recipients=2)
    people = [member(f"P{n}", f"p{n}", f"p{n}@contoso.example") for n in range(3)]
    world.network.on(MEMBERS, {"value": [ADELE, *people]})
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert refused["error"] == "recipients_refused"
    assert posts(world) == []


async def test_more_people_than_can_be_seen_stop_it(world):
    link = "https://graph.microsoft.com/v1.0/chats/x/members?$skiptoken=1"
    world.network.on(MEMBERS, {"value": [ADELE, MEGAN], "@odata.nextLink": link})
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert refused["error"] == "recipients_refused"


async def test_members_that_may_not_be_seen_are_a_warning_or_stop_it():
    for settings, sent in (({}, True), ({"recipient_domains": "contoso.example"}, False)):
        world = made(**settings)
        world.network.on(MEMBERS, error(403, "Forbidden"))
        result = await world.call("chat_send", chat_id=CHAT, text="Hi")
        assert result.is_error is not sent
        assert "Chat.ReadBasic" in result.content[0].text
        assert bool(posts(world)) is sent


def lost(kind):
    return {
        "503": error(503, "ServiceUnavailable", Retry_After="1"),
        "504": error(504, "GatewayTimeout"),
        "reset": httpx.ReadError("reset"),
    }[kind]


@pytest.mark.parametrize("kind", ["503", "504", "reset"])
async def test_an_answer_that_got_lost_is_looked_up_and_never_sent_again(world, kind):
    world.network.on(MESSAGES, lost(kind), method="POST")
    ours = said(1, "<p>1 &lt; 2<br>see</p>", by=ME, createdDateTime=now(world, seconds=1))
    before = said(0, createdDateTime=now(world))
    world.network.on(MESSAGES, {"value": [before]}, {"value": [before, ours]})
    told = await world.told("chat_send", chat_id=CHAT, text="1 < 2\nsee")
    assert (told["sent"], told["id"]) == (True, ours["id"])
    assert len(posts(world)) == 1


@pytest.mark.parametrize(
    "found",
    [
        [],
        [{"by": "megan"}],
        [{"content": "Hi there"}],
        [{"createdDateTime": "2020-01-01T00:00:00Z"}],
    ],
)
async def test_an_answer_that_got_lost_for_a_message_not_found_says_so(world, found):
    world.network.on(MESSAGES, lost("504"), method="POST")
    rows = [
        said(1, **({"content": "Hi", "by": ME, "createdDateTime": now(world)} | one))
        for one in found
    ]
    before = said(2, createdDateTime=now(world, seconds=-5))
    world.network.on(MESSAGES, {"value": [before]}, {"value": rows})
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert refused["error"] == "maybe_sent"
    assert "chat_read" in refused["hint"]
    assert len(posts(world)) == 1


@pytest.mark.parametrize("seconds", [-30, 0, 30])
async def test_the_same_words_said_before_do_not_stand_for_those_that_got_lost(world, seconds):
    world.network.on(MESSAGES, lost("503"), method="POST")
    earlier = said(1, "ok", by=ME, createdDateTime=now(world, seconds=seconds))
    world.network.on(MESSAGES, {"value": [earlier]})
    assert (await world.refused("chat_send", chat_id=CHAT, text="ok"))["error"] == "maybe_sent"
    assert len(posts(world)) == 1


async def test_what_was_said_before_and_could_not_be_seen_is_not_taken_for_it(world):
    world.network.on(MESSAGES, lost("503"), method="POST")
    earlier = said(1, "ok", by=ME, createdDateTime=now(world))
    world.network.on(MESSAGES, error(403, "Forbidden"), {"value": [earlier]})
    assert (await world.refused("chat_send", chat_id=CHAT, text="ok"))["error"] == "maybe_sent"


async def test_a_mail_address_becomes_the_id_of_its_person(world):
    world.network.on("/v1.0/users", {"value": [{"id": "megan-id"}]})
    await world.told("chat_send", to="Megan.O'Bowen@contoso.example", text="Hi")
    text = "'Megan.O''Bowen@contoso.example'"
    asked = world.network.last("/v1.0/users").url.params
    assert asked["$filter"] == f"mail eq {text} or userPrincipalName eq {text}"
    bound = json.loads(posts(world)[0].content)["members"][1]["user@odata.bind"]
    assert bound == "https://graph.microsoft.com/v1.0/users('megan-id')"


async def test_an_address_of_two_people_is_refused_before_anything_is_made(world):
    world.network.on("/v1.0/users", {"value": [{"id": "1"}, {"id": "2"}]})
    for dry_run in (True, False):
        asked = {"to": "megan@contoso.example", "text": "Hi", "dry_run": dry_run}
        assert (await world.refused("chat_send", **asked))["argument"] == "to"
    assert posts(world) == []


async def test_a_message_that_appears_late_is_found_at_the_second_look(world):
    world.network.on(MESSAGES, lost("504"), method="POST")
    ours = said(1, "Hi", by=ME, createdDateTime=now(world))
    world.network.on(MESSAGES, {"value": []}, {"value": []}, {"value": [ours]})
    assert (await world.told("chat_send", chat_id=CHAT, text="Hi"))["id"] == ours["id"]


async def test_a_look_that_is_forbidden_says_that_it_may_have_been_sent(world):
    world.network.on(MESSAGES, lost("504"), method="POST")
    world.network.on(MESSAGES, error(403, "Forbidden"))
    assert (await world.refused("chat_send", chat_id=CHAT, text="Hi"))["error"] == "maybe_sent"
    assert len(posts(world)) == 1


async def test_a_throttled_message_was_not_sent_and_says_when_to_come_back(world):
    world.network.on(MESSAGES, throttled("7"), method="POST")
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert (refused["error"], refused["retry_after_s"]) == ("throttled", 7)
    assert len(posts(world)) == 1


async def test_a_chat_that_cannot_be_made_names_the_scope(world):
    world.network.on(CHATS, error(403, "Forbidden"), method="POST")
    refused = await world.refused("chat_send", to="megan@contoso.example", text="Hi")
    assert refused["missing_scope"] == "Chat.Create"
    assert "administrator" in refused["who_can_fix"]


async def test_an_address_of_nobody_in_the_organisation_is_a_wrong_argument(world):
    world.network.on(CHATS, error(404, "NotFound"), method="POST")
    refused = await world.refused("chat_send", to="nobody@contoso.example", text="Hi")
    assert (refused["error"], refused["argument"]) == ("bad_argument", "to")
    assert "people_search" in refused["hint"]
    assert "nobody" not in refused["hint"]


async def test_making_the_chat_of_two_is_repeated_as_graph_makes_it_once(world):
    world.network.on(CHATS, lost("503"), {"id": CHAT}, method="POST")
    assert (await world.told("chat_send", to="megan@contoso.example", text="Hi"))["sent"]


async def test_a_forbidden_message_names_the_scope(world):
    world.network.on(MESSAGES, error(403, "Forbidden"), method="POST")
    refused = await world.refused("chat_send", chat_id=CHAT, text="Hi")
    assert refused["missing_scope"] == "ChatMessage.Send"


async def test_a_chat_that_is_gone_is_not_found(world):
    world.network.on(MEMBERS, error(404, "NotFound"))
    assert (await world.refused("chat_send", chat_id=CHAT, text="Hi"))["error"] == "not_found"
    assert posts(world) == []


async def test_it_is_not_offered_where_nothing_may_be_changed():
    assert (await World().call("chat_send", chat_id=CHAT, text="Hi")).is_error
