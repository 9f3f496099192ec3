"""Three places to look for people, and what becomes of those that refuse."""

import httpx
import pytest

from unit.graph_server.world import World, challenged, error, size_bytes, throttled

PEOPLE, USERS, CONTACTS = "/v1.0/me/people", "/v1.0/users", "/v1.0/me/contacts"
ALL = {"People.Read", "User.ReadBasic.All", "Contacts.Read"}


def colleague(name, address, **changes):
    return {
        "displayName": name,
        "scoredEmailAddresses": [{"address": address, "relevanceScore": 12}],
        "jobTitle": "Auditor",
        "department": "Finance",
    } | changes


def user(name, address, **changes):
    return {
        "displayName": name,
        "mail": address,
        "userPrincipalName": f"upn-{address}",
        "jobTitle": "Auditor",
        "department": "Finance",
    } | changes


def contact(name, *addresses):
    return {"displayName": name, "emailAddresses": [{"address": one} for one in addresses]}


def known(world, relevant=(), directory=(), contacts=()):
    world.network.on(PEOPLE, {"value": list(relevant)})
    world.network.on(USERS, {"value": list(directory)})
    world.network.on(CONTACTS, {"value": list(contacts)})


async def test_one_person_in_all_sources_is_one_row_that_names_them(world):
    known(
        world,
        [colleague("Megan Bowen", "megan@contoso.example")],
        [user("Megan Bowen", "Megan@contoso.example")],
        [contact("Megan B.", "megan@contoso.example")],
    )
    assert await world.told("people_search", query="megan") == {
        "items": [
            {
                "name": "Megan Bowen",
                "address": "megan@contoso.example",
                "title": "Auditor",
                "department": "Finance",
                "source": "relevant, directory, contacts",
            }
        ]
    }


async def test_namesakes_are_all_shown_and_none_is_chosen(world):
    known(
        world,
        [colleague("Alex Wilber", "alex@contoso.example")],
        [user("Alex Wilber", "alex.w@contoso.example"), user("Alex Weber", "weber@c.example")],
        [contact("Alex", "alex@elsewhere.example", "alex@home.example")],
    )
    rows = (await world.told("people_search", query="alex"))["items"]
    assert [(row["address"], row["source"]) for row in rows] == [
        ("alex@contoso.example", "relevant"),
        ("alex.w@contoso.example", "directory"),
        ("alex@elsewhere.example", "contacts"),
        ("weber@c.example", "directory"),
        ("alex@home.example", "contacts"),
    ]


async def test_the_directory_is_asked_with_the_header_that_it_wants(world):
    known(world)
    await world.told("people_search", query='Bowen" OR "x:y')
    asked = world.network.last(USERS)
    assert asked.headers["consistencylevel"] == "eventual"
    assert asked.url.params["$search"] == '"displayName:Bowen OR x:y" OR "mail:Bowen OR x:y"'
    assert asked.url.params["$count"] == "true"
    assert world.network.last(PEOPLE).url.params["$search"] == '"Bowen OR x:y"'


async def test_contacts_are_asked_for_names_or_for_an_address(world):
    known(world)
    await world.told("people_search", query="o'hara", scope="contacts")
    asked = world.network.last(CONTACTS)
    assert asked.url.params["$filter"] == "startswith(displayName,'o''hara')"
    assert "ImmutableId" in asked.headers["prefer"]
    await world.told("people_search", query="a@b.example", scope="contacts")
    asked = world.network.last(CONTACTS)
    assert asked.url.params["$filter"] == "emailAddresses/any(a:a/address eq 'a@b.example')"


@pytest.mark.parametrize(
    ("scope", "path"), [("relevant", PEOPLE), ("directory", USERS), ("contacts", CONTACTS)]
)
async def test_one_source_alone_is_the_only_one_asked(world, scope, path):
    known(world)
    assert (await world.told("people_search", query="x", scope=scope))["items"] == []
    assert world.network.paths() == [path]


@pytest.mark.parametrize(
    ("path", "scope"),
    [(PEOPLE, "People.Read"), (USERS, "User.ReadBasic.All"), (CONTACTS, "Contacts.Read")],
)
async def test_a_source_that_refuses_is_a_note_with_the_scope_and_who_can_grant_it(
    world, path, scope
):
    known(world, [colleague("A", "a@c.example")], [user("A", "a@c.example")], [contact("A", "a@c")])
    world.network.on(path, error(403, "Authorization_RequestDenied"))
    told = await world.told("people_search", query="a")
    assert told["items"]
    (note,) = told["notes"]
    assert scope in note
    assert "administrator" in note


async def test_all_sources_refused_is_a_refusal_that_names_all_scopes(world):
    for path in (PEOPLE, USERS, CONTACTS):
        world.network.on(path, error(403, "ErrorAccessDenied"))
    refused = await world.refused("people_search", query="a")
    assert refused["error"] == "forbidden"
    assert set(refused["missing_scope"].split()) == ALL
    assert "administrator" in refused["who_can_fix"]


async def test_a_refused_single_source_names_its_own_scope(world):
    world.network.on(USERS, error(403, "Authorization_RequestDenied"))
    refused = await world.refused("people_search", query="a", scope="directory")
    assert refused["missing_scope"] == "User.ReadBasic.All"


async def test_a_person_without_mailbox_still_finds_people_in_the_directory(world):
    known(world, directory=[user("A", "a@c.example")])
    world.network.on(CONTACTS, error(404, "MailboxNotEnabledForRESTAPI"))
    told = await world.told("people_search", query="a")
    assert len(told["items"]) == 1
    assert told["notes"] == ["Without contacts: this person has none."]


async def test_a_source_that_takes_no_such_search_is_a_note(world):
    known(world, directory=[user("A", "a@c.example")])
    world.network.on(CONTACTS, error(400, "ErrorInvalidUrlQueryFilter"))
    told = await world.told("people_search", query="a@c.example")
    assert len(told["items"]) == 1
    assert "such a search" in told["notes"][0]


async def test_a_throttled_source_is_asked_again(world):
    known(world)
    world.network.on(PEOPLE, throttled(), {"value": [colleague("A", "a@c.example")]})
    assert len((await world.told("people_search", query="a"))["items"]) == 1
    assert world.clock.waits == [2]


async def test_a_source_that_stays_throttled_does_not_take_the_others_down(world):
    known(world, directory=[user("A", "a@c.example")])
    world.network.on(PEOPLE, throttled("3600"))
    told = await world.told("people_search", query="a")
    assert len(told["items"]) == 1
    assert "just now" in told["notes"][0]


async def test_all_sources_throttled_says_when_to_come_back(world):
    for path in (PEOPLE, USERS, CONTACTS):
        world.network.on(path, throttled("3600"))
    refused = await world.refused("people_search", query="a")
    assert (refused["error"], refused["retry_after_s"]) == ("throttled", 3600)


async def test_a_sign_in_that_is_over_is_told_as_by_any_other_tool(world):
    for path in (PEOPLE, USERS, CONTACTS, "/v1.0/me/messages"):
        world.network.on(path, challenged())
    people = await world.call("people_search", query="a")
    mail = await world.call("mail_search")
    assert people.is_error
    told = [result.content[0].text.replace(" people_search", "") for result in (people, mail)]
    assert told[0] == told[1].replace(" mail_search", "") != ""


async def test_what_does_not_fit_is_counted():
    world = World(result_budget_bytes=4096)
    people = [user(f"Adele {n} {'x' * 300}", f"adele{n}@contoso.example") for n in range(40)]
    known(world, directory=people)
    result = await world.call("people_search", query="adele", limit=25)
    told = result.structured_content
    assert size_bytes(result) <= 4096
    assert told["truncated"] == 40 - len(told["items"])


async def test_names_of_strangers_are_cleaned(world):
    known(world, contacts=[contact("Ad\u200bele\U000e0041\u202e\nVance", "adele@x.example")])
    row = (await world.told("people_search", query="adele"))["items"][0]
    assert row["name"] == "Adele Vance"


async def test_people_without_an_address_are_shown_without_one(world):
    known(world, [colleague("Team", "", scoredEmailAddresses=[])], [user("Team", None)])
    rows = (await world.told("people_search", query="team"))["items"]
    assert [(row["source"], "address" in row) for row in rows] == [
        ("relevant", False),
        ("directory", False),
    ]


@pytest.mark.parametrize("query", ["   ", '"', "()", "\u200b", "@"])
async def test_a_search_for_nothing_is_refused_and_never_sent(world, query):
    assert (await world.refused("people_search", query=query))["argument"] == "query"
    assert world.network.requests == []


@pytest.mark.parametrize(
    "answer", [{"value": "x"}, {"value": [1, None, {}]}, {}, {"value": [{"mail": {"a": 1}}]}]
)
async def test_an_odd_answer_is_no_error(world, answer):
    for path in (PEOPLE, USERS, CONTACTS):
        world.network.on(path, answer)
    await world.told("people_search", query="a")


async def test_an_answer_that_is_no_json_is_a_note(world):
    known(world)
    world.network.on(CONTACTS, httpx.Response(200, content=b"<html>"))
    told = await world.told("people_search", query="a")
    assert len(told["notes"]) == 1
