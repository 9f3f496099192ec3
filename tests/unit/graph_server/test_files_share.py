import json

import httpx
import pytest

from unit.graph_server.links_world import stored_item
from unit.graph_server.world import World, error, throttled

REF = "b!D1/01ABC"
ITEM = "/v1.0/drives/b!D1/items/01ABC"
INVITE, LINK = f"{ITEM}/invite", f"{ITEM}/createLink"
SHARING = "https://contoso.sharepoint.com/:b:/s/Eabc"
MEGAN = "Megan Bowen <megan@contoso.example>"


def new_world(**settings):
    world = World(read_only=False, **settings)
    stored_item(world)
    permission = {"id": "p1", "link": {"type": "view", "webUrl": SHARING}}
    world.network.on(LINK, permission, method="POST")
    world.network.on(INVITE, {"value": [{"id": "p2", "roles": ["read"]}]}, method="POST")
    return world


@pytest.fixture
def world():
    return new_world()


def posted(world):
    return [json.loads(r.content) for r in world.network.requests if r.method == "POST"]


async def test_without_people_a_link_for_the_organisation_is_made(world):
    assert await world.told("files_share", item=REF) == {
        "ref": REF,
        "name": "Figures.pdf",
        "type": "file",
        "access": "view",
        "audience": "organization",
        "link": SHARING,
    }
    assert posted(world) == [{"type": "view", "scope": "organization"}]
    assert "/v1.0/me" not in world.network.paths()


async def test_named_people_are_invited_and_must_sign_in(world):
    told = await world.told(
        "files_share",
        item=REF,
        people=[MEGAN, "alex@contoso.example"],
        access="edit",
        notify=True,
        message="As promised",
        expires="2026-12-31",
    )
    assert told["people"] == ["megan@contoso.example", "alex@contoso.example"]
    assert told["link"] == "https://contoso.sharepoint.com/x/Figures.pdf"
    assert "warnings" not in told
    assert posted(world) == [
        {
            "recipients": [{"email": "megan@contoso.example"}, {"email": "alex@contoso.example"}],
            "roles": ["write"],
            "requireSignIn": True,
            "sendInvitation": True,
            "message": "As promised",
            "expirationDateTime": "2026-12-31T23:00:00Z",
        }
    ]
    assert told["expires"] == "2027-01-01T00:00+01:00"


async def test_people_outside_are_flagged(world):
    told = await world.told("files_share", item=REF, people=["eve@evil.example"], dry_run=True)
    assert "evil.example" in told["would"]["warnings"][0]


async def test_the_operator_decides_who_may_get_anything():
    world = new_world(recipient_domains="contoso.example", max_recipients=2)
    for people in (["eve@evil.example"], [f"a{n}@contoso.example" for n in range(3)]):
        refused = await world.refused("files_share", item=REF, people=people)
        assert refused["error"] == "recipients_refused"
    assert posted(world) == []


@pytest.mark.parametrize("person", ["Megan", "megan@", "a@b.example\r\nBcc: c@d.example", "@x.y"])
async def test_a_name_alone_is_no_address(world, person):
    assert (await world.refused("files_share", item=REF, people=[person]))["argument"] == "people"
    assert world.network.requests == []


async def test_a_link_for_everybody_is_made_only_where_the_operator_allows_it(world):
    refused = await world.refused("files_share", item=REF, anyone=True)
    assert refused["error"] == "unsupported"
    assert world.network.requests == []
    world = new_world(anonymous_links=True)
    told = await world.told("files_share", item=REF, anyone=True)
    assert posted(world) == [{"type": "view", "scope": "anonymous"}]
    assert "without signing in" in told["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"anyone": True, "people": [MEGAN]}, "anyone"),
        ({"notify": True}, "notify"),
        ({"message": "x", "people": [MEGAN]}, "message"),
        ({"expires": "soon"}, "expires"),
        ({"expires": "2026-11-16"}, "expires"),
        ({"expires": "2026-11-18T10:00Z"}, "expires"),
        ({"item": "/.."}, "item"),
        ({"item": "https://contoso.sharepoint.com/x"}, "item"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(world, arguments, argument):
    refused = await world.refused("files_share", **({"item": REF} | arguments))
    assert refused["argument"] == argument
    assert world.network.requests == []


@pytest.mark.parametrize("people", [[], [MEGAN]])
async def test_a_dry_run_says_what_would_happen_and_changes_nothing(world, people):
    told = await world.told("files_share", item=REF, people=people, dry_run=True)
    assert told["dry_run"] is True
    assert told["would"]["audience"] == ("people" if people else "organization")
    assert "link" not in told["would"]
    assert posted(world) == []


async def test_a_folder_is_shared_with_a_warning(world):
    stored_item(world, folder={"childCount": 2})
    told = await world.told("files_share", item=REF)
    assert told["type"] == "folder"
    assert "Everything in this folder" in told["warnings"][0]


async def test_a_whole_drive_is_not_shared(world):
    stored_item(world, root={}, folder={"childCount": 2})
    for dry_run in (True, False):
        refused = await world.refused("files_share", item=REF, dry_run=dry_run)
        assert refused["argument"] == "item"
    assert posted(world) == []


async def test_a_path_is_shared_in_the_own_drive(world):
    path = "/v1.0/me/drive/root:/Reports/Figures.pdf:"
    stored_item(world, path)
    permission = {"link": {"webUrl": SHARING}}
    world.network.on(f"{path}/createLink", permission, method="POST")
    assert (await world.told("files_share", item="/Reports/Figures.pdf"))["link"] == SHARING


@pytest.mark.parametrize("ends", [None, "2026-11-25T00:00:00Z"])
async def test_an_end_that_the_organisation_set_instead_is_told(world, ends):
    permission = {"link": {"webUrl": SHARING}, "expirationDateTime": ends}
    world.network.on(LINK, permission, method="POST")
    told = await world.told("files_share", item=REF, expires="2026-12-31")
    assert "own rules" in told["warnings"][0]
    assert told.get("expires") == ("2026-11-25T01:00+01:00" if ends else None)


async def test_an_end_that_holds_is_shown(world):
    permission = {"link": {"webUrl": SHARING}, "expirationDateTime": "2026-12-31T23:00:00Z"}
    world.network.on(LINK, permission, method="POST")
    told = await world.told("files_share", item=REF, expires="2026-12-31")
    assert told["expires"] == "2027-01-01T00:00+01:00"
    assert "warnings" not in told


async def test_a_share_ends_when_the_day_ends_where_the_person_is(world):
    refused = await world.refused("files_share", item=REF, expires="2026-11-17")  # over in Berlin
    assert refused["argument"] == "expires"
    world.network.on("/v1.0/me/mailboxSettings", {"timeZone": "Pacific Standard Time"})
    world.clock.seconds += 3601  # the zone is asked for again; still the 18th in Los Angeles
    told = await world.told("files_share", item=REF, expires="2026-11-18", dry_run=True)
    assert told["would"]["expires"] == "2026-11-19T00:00-08:00"
    assert posted(world) == []


async def test_nothing_hidden_goes_with_an_invitation(world):
    message = "As\x00 promised\u202e\U000e0041"
    await world.told("files_share", item=REF, people=[MEGAN], notify=True, message=message)
    assert posted(world)[0]["message"] == "As promised"


async def test_many_people_stay_within_the_budget():
    world = new_world(max_recipients=500)
    people = [f"{'a' * 60}{number}@contoso.example" for number in range(500)]
    result = await world.call("files_share", item=REF, people=people)
    assert len(result.content[0].text) <= world.settings.result_budget_bytes
    assert result.structured_content["more_people"] == 480
    assert len(posted(world)[0]["recipients"]) == 500


async def test_people_that_graph_could_not_share_with_are_counted(world):
    value = [{"id": "p"}, {"error": {"code": "x"}}]
    world.network.on(INVITE, {"value": value}, method="POST")
    told = await world.told("files_share", item=REF, people=[MEGAN, "a@contoso.example"])
    assert told["warnings"] == ["Graph could not share it with 1 of them."]


@pytest.mark.parametrize("people", [[], [MEGAN]])
@pytest.mark.parametrize("failure", [error(503, "x"), httpx.ReadError("lost")])
async def test_a_failure_that_leaves_it_open_is_told_as_one_and_nothing_is_sent_again(
    world, people, failure
):
    world.network.on(INVITE if people else LINK, failure, method="POST")
    refused = await world.refused("files_share", item=REF, people=people)
    assert refused["error"] == "maybe_shared"
    assert len(posted(world)) == 1


async def test_a_link_is_asked_for_again_after_a_throttling_an_invitation_is_not(world):
    world.network.on(LINK, throttled(), {"link": {"webUrl": SHARING}}, method="POST")
    assert (await world.told("files_share", item=REF))["link"] == SHARING
    world.network.on(INVITE, throttled(), method="POST")
    refused = await world.refused("files_share", item=REF, people=[MEGAN])
    assert refused["error"] == "throttled"
    assert len(posted(world)) == 3


async def test_what_is_gone_or_forbidden_is_told(world):
    assert (await world.refused("files_share", item="b!D1/GONE"))["error"] == "not_found"
    world.network.on(LINK, error(403, "accessDenied"), method="POST")
    refused = await world.refused("files_share", item=REF)
    assert refused["missing_scope"] == "Files.ReadWrite"


async def test_a_server_that_only_reads_offers_no_sharing():
    world = World()
    assert (await world.call("files_share", item=REF)).is_error
    assert world.network.requests == []
