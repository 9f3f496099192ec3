import json

import anyio
import anyio.lowlevel
import httpx
import pytest

from obo_mcp import InteractionRequired
from unit.graph_server.outbox import ROOT, Outbox, person, writes
from unit.graph_server.world import World, challenged, error

REPLY = {"message_id": "mail-1", "body": "Thank you & bye\nAdele"}
FORWARD = {"message_id": "mail-1", "to": ["alex@contoso.example"], "body": "See below"}
TOOLS = [("mail_reply", REPLY, "createReply"), ("mail_forward", FORWARD, "createForward")]


@pytest.fixture
def world():
    return World(read_only=False)


@pytest.fixture
def outbox(world):
    outbox = Outbox(world)
    outbox.received()
    return outbox


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_an_answer_is_a_draft_with_our_text_above_the_quoted_mail(
    world, outbox, tool, arguments, verb
):
    told = await world.told(tool, **arguments)
    assert (told["draft"], told["id"]) == (True, "answer-1")
    assert writes(world) == [("POST", f"{ROOT}/mail-1/{verb}"), ("PATCH", f"{ROOT}/answer-1")]
    content = outbox.mails["answer-1"]["body"]["content"]
    first = arguments["body"].split("\n")[0].replace("&", "&amp;")
    assert content.startswith(f"<html><head></head><body><div>{first}")
    assert "What was quoted" in content
    assert outbox.sent == []


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_an_answer_can_be_sent_at_once(world, outbox, tool, arguments, verb):
    told = await world.told(tool, **arguments, send=True)
    assert (told["sent"], told["id"]) == (True, "answer-1")
    assert outbox.sent == ["answer-1"]
    assert writes(world)[-1] == ("POST", f"{ROOT}/answer-1/send")


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_a_rehearsed_answer_changes_nothing(world, outbox, tool, arguments, verb):
    for send in (False, True):
        told = await world.told(tool, **arguments, send=send, dry_run=True)
        assert list(told["would"]) == ["send" if send else "create_draft"]
        assert told["would"].popitem()[1]["to"]
    assert writes(world) == []


async def test_a_rehearsed_reply_to_all_names_everybody_but_the_person(world, outbox):
    told = await world.told("mail_reply", **REPLY, reply_all=True, dry_run=True)
    would = told["would"]["create_draft"]
    assert would["to"] == ["Megan Bowen <megan@contoso.example>", "Alex <alex@contoso.example>"]
    assert would["cc"] == ["Pat <pat@fabrikam.example>"]
    assert told["warnings"] == ["1 recipient is outside contoso.example: fabrikam.example."]


async def test_a_reply_goes_where_the_mail_asks_for_it(world, outbox):
    outbox.mails["mail-1"]["replyTo"] = [person("list@fabrikam.example")]
    told = await world.told("mail_reply", **REPLY, dry_run=True)
    assert told["would"]["create_draft"]["to"] == ["List <list@fabrikam.example>"]


async def test_a_reply_to_many_says_to_how_many(world, outbox):
    crowd = [person(f"p{n}@contoso.example") for n in range(9)]
    outbox.mails["mail-1"] |= {"toRecipients": crowd, "ccRecipients": []}
    told = await world.told("mail_reply", **REPLY, reply_all=True)
    assert told["warnings"] == ["It goes to 10 people."]


@pytest.mark.parametrize("reply_all", [False, True])
async def test_a_reply_that_reaches_a_forbidden_domain_makes_no_draft(reply_all):
    world = World(read_only=False, recipient_domains="contoso.example")
    Outbox(world).received(**({} if reply_all else {"from": person("pat@fabrikam.example")}))
    arguments = {**REPLY, "reply_all": reply_all, "send": True}
    refused = await world.refused("mail_reply", **arguments)
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


async def test_a_reply_to_too_many_makes_no_draft():
    world = World(read_only=False, max_recipients=2)
    Outbox(world).received()
    refused = await world.refused("mail_reply", **REPLY, reply_all=True)
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


@pytest.mark.parametrize("send", [False, True])
async def test_whoever_exchange_adds_to_a_reply_is_checked_as_well(send):
    world = World(read_only=False, recipient_domains="contoso.example")
    outbox = Outbox(world)
    outbox.received(ccRecipients=[])
    answer = outbox._answer

    def with_a_stranger(request):
        made = json.loads(answer("mail-1", "createReply", request).content)
        outbox.mails[made["id"]]["bccRecipients"] = [person("pat@fabrikam.example")]
        return httpx.Response(201, json=outbox.mails[made["id"]])

    world.network.on(f"{ROOT}/mail-1/createReply", with_a_stranger, method="POST")
    refused = await world.refused("mail_reply", **REPLY, send=send)
    assert (refused["error"], refused["draft_id"]) == ("recipients_refused", "answer-1")
    assert outbox.sent == []


async def test_a_forward_to_a_forbidden_domain_asks_nothing_of_graph_but_who_one_is():
    world = World(read_only=False, recipient_domains="contoso.example")
    Outbox(world).received()
    arguments = {**FORWARD, "to": ["pat@fabrikam.example"]}
    refused = await world.refused("mail_forward", **arguments)
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


async def test_a_forward_names_its_people_and_says_that_attachments_go_along(world, outbox):
    outbox.mails["mail-1"]["hasAttachments"] = True
    arguments = {**FORWARD, "to": ["Pat <pat@fabrikam.example>"]}
    told = await world.told("mail_forward", **arguments)
    asked = json.loads(world.network.last(f"{ROOT}/mail-1/createForward").content)
    assert asked == {
        "toRecipients": [{"emailAddress": {"name": "Pat", "address": "pat@fabrikam.example"}}]
    }
    assert told["warnings"] == [
        "1 recipient is outside contoso.example: fabrikam.example.",
        "Attachments go along.",
    ]


async def test_a_forward_without_words_leaves_its_text_alone(world, outbox):
    await world.told("mail_forward", message_id="mail-1", to=["alex@contoso.example"])
    assert writes(world) == [("POST", f"{ROOT}/mail-1/createForward")]


async def test_html_of_ours_is_sanitised_and_the_quoted_mail_is_not_touched(world, outbox):
    text = {"body": "<p>Hi</p><img src=x><script>x</script>", "body_type": "html"}
    await world.told("mail_reply", message_id="mail-1", **text)
    content = outbox.mails["answer-1"]["body"]["content"]
    assert "<div><p>Hi</p></div>" in content
    assert "script" not in content
    assert '<div id="divRplyFwdMsg">' in content


async def test_our_text_stands_above_a_draft_in_plain_text(world, outbox):
    answer = outbox._answer

    def plain(request):
        made = json.loads(answer("mail-1", "createReply", request).content)
        made["body"] = {"contentType": "text", "content": "> old <b>"}
        return httpx.Response(201, json=made)

    world.network.on(f"{ROOT}/mail-1/createReply", plain, method="POST")
    await world.told("mail_reply", **REPLY)
    assert outbox.mails["answer-1"]["body"] == {
        "contentType": "text",
        "content": "Thank you & bye\nAdele\n\n> old <b>",
    }
    await world.told("mail_reply", message_id="mail-1", body="<i>x</i>", body_type="html")
    content = outbox.mails["answer-2"]["body"]["content"]
    assert content == "<div><i>x</i></div><br>&gt; old &lt;b&gt;"


async def test_our_text_does_not_land_in_a_body_that_somebody_else_planted(world, outbox):
    answer = outbox._answer

    def tricky(request):
        made = json.loads(answer("mail-1", "createReply", request).content)
        made["body"]["content"] = "<html><!-- <body> --><body>old</body></html>"
        return httpx.Response(201, json=made)

    world.network.on(f"{ROOT}/mail-1/createReply", tricky, method="POST")
    await world.told("mail_reply", **REPLY)
    assert outbox.mails["answer-1"]["body"]["content"].startswith("<div>Thank you")


async def test_no_quoted_mail_keeps_us_busy_for_long(world, outbox):
    made = {"contentType": "html", "content": "<body " * 200_000}
    answer = outbox._answer

    def huge(request):
        draft = json.loads(answer("mail-1", "createReply", request).content)
        return httpx.Response(201, json=draft | {"body": made})

    world.network.on(f"{ROOT}/mail-1/createReply", huge, method="POST")
    assert (await world.told("mail_reply", **REPLY))["draft"] is True


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
@pytest.mark.parametrize("lost", [error(504, "UnknownError"), httpx.ReadError("reset")])
async def test_an_answer_that_may_have_been_drafted_is_not_drafted_again(
    outbox, tool, arguments, verb, lost
):
    world = outbox.world
    path = f"{ROOT}/mail-1/{verb}"
    world.network.on(path, lost, method="POST")
    refused = await world.refused(tool, **arguments, send=True)
    assert refused["error"] == "maybe_drafted"
    assert writes(world) == [("POST", path)]


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_an_answer_whose_text_did_not_get_in_is_not_sent(
    world, outbox, tool, arguments, verb
):
    add = outbox.add

    def refusing(key, **properties):
        add(key, **properties)
        world.network.on(f"{ROOT}/{key}", error(503, "UnknownError"), method="PATCH")

    outbox.add = refusing
    refused = await world.refused(tool, **arguments, send=True)
    assert (refused["error"], refused["draft_id"]) == ("unavailable", "answer-1")
    assert "Do not make another" in refused["hint"]
    assert "same arguments" not in str(refused)
    assert outbox.sent == []


@pytest.mark.parametrize(("tool", "arguments"), [case[:2] for case in TOOLS])
@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("lost after", "sent"),
        ("cut after", "sent"),
        ("moved after", "sent"),
        ("late after", "maybe_sent"),
        ("lost before", "not_sent"),
        ("cut before", "not_sent"),
        ("busy", "not_sent"),
    ],
)
async def test_an_answer_leaves_at_most_once_whatever_happens(
    outbox, tool, arguments, how, outcome
):
    world = outbox.world
    outbox.sending = [how]
    result = await world.call(tool, **arguments, send=True)
    if outcome == "sent":
        assert result.structured_content["sent"] is True
    else:
        told = json.loads(result.content[0].text[result.content[0].text.index("{") :])
        assert (told["error"], told["draft_id"]) == (outcome, "answer-1")
    assert [one for one in writes(world) if one[1].endswith("/send")] == [
        ("POST", f"{ROOT}/answer-1/send")
    ]
    assert len([one for one in writes(world) if "/create" in one[1]]) == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("mail_reply", {**REPLY, "body": ""}),
        ("mail_reply", {**REPLY, "message_id": "../x"}),
        ("mail_reply", {**REPLY, "body": "<script>", "body_type": "html"}),
        ("mail_forward", {**FORWARD, "to": []}),
        ("mail_forward", {**FORWARD, "to": ["Alex"]}),
        ("mail_forward", {**FORWARD, "to": ["a@x.example\nBcc: b@evil.example"]}),
        ("mail_forward", {**FORWARD, "message_id": "a\\b"}),
    ],
)
async def test_malformed_arguments_of_answers_are_refused_before_anything_is_asked(
    world, tool, arguments
):
    assert (await world.refused(tool, **arguments))["error"] == "bad_argument"
    assert world.network.requests == []


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_a_mail_that_is_gone_or_closed_cannot_be_answered(world, tool, arguments, verb):
    assert (await world.refused(tool, **arguments))["error"] == "not_found"
    world.network.on(f"{ROOT}/mail-1", error(403, "ErrorAccessDenied"))
    world.network.on(f"{ROOT}/mail-1/{verb}", error(403, "ErrorAccessDenied"), method="POST")
    assert (await world.refused(tool, **arguments))["error"] == "forbidden"


async def test_without_sight_of_ones_own_address_a_reply_to_all_still_works(world, outbox):
    world.network.on("/v1.0/me", error(403, "Authorization_RequestDenied"))
    told = await world.told("mail_reply", **REPLY, reply_all=True)
    assert told["draft"] is True


@pytest.mark.parametrize(("tool", "arguments", "verb"), TOOLS)
async def test_where_access_ends_midway_the_draft_is_named_and_none_is_made_again(
    world, outbox, tool, arguments, verb
):
    outbox.add("answer-1")
    world.network.on(f"{ROOT}/answer-1", challenged(), method="PATCH")
    made = httpx.Response(201, json=outbox.mails["answer-1"])
    world.network.on(f"{ROOT}/mail-1/{verb}", made, method="POST")
    endpoint = world.obo.endpoint
    endpoint.meanwhile = lambda: (
        endpoint.refusals.append(InteractionRequired("AADSTS50076")) if endpoint.asked[1:] else None
    )
    refused = await world.refused(tool, **arguments, send=True)
    assert (refused["error"], refused["draft_id"]) == ("insufficient_claims", "answer-1")
    assert "not sent" in refused["hint"]
    # With these words in it the client would be asked to sign in, and make the call again.
    assert InteractionRequired.public not in str(refused)
    assert outbox.sent == []


async def test_a_draft_is_no_mail_to_answer(world, outbox):
    outbox.draft("mail-2")
    refused = await world.refused("mail_reply", message_id="mail-2", body="x")
    assert refused["argument"] == "message_id"
    assert writes(world) == []


async def test_a_mail_with_odd_recipients_is_answered_like_any_other(world, outbox):
    odd = [{}, {"emailAddress": None}, {"emailAddress": {"name": "Pat"}}]
    outbox.received("mail-2", toRecipients=odd, **{"from": person("megan@contoso.example")})
    arguments = {"message_id": "mail-2", "body": "x", "reply_all": True, "dry_run": True}
    told = await world.told("mail_reply", **arguments)
    assert "Pat" in told["would"]["create_draft"]["to"]


async def test_html_of_ours_has_no_text_that_is_hidden_or_turned_round(world, outbox):
    body = '<details><summary>More</summary>Hidden</details><bdo dir="rtl">dne</bdo>'
    await world.told("mail_reply", message_id="mail-1", body=body, body_type="html")
    assert "<div>MoreHiddendne</div>" in outbox.mails["answer-1"]["body"]["content"]


@pytest.mark.parametrize("tool", ["mail_reply", "mail_draft"])
async def test_html_that_takes_long_to_clean_holds_up_nobody_else(world, outbox, tool):
    body = "".join(f"<b id={number}>" for number in range(5000))
    arguments = {"message_id": "mail-1"} if tool == "mail_reply" else {"subject": "x"}
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with world.client() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        call = arguments | {"body": body, "body_type": "html", "dry_run": True}
        await client.call_tool(tool, call)
        tasks.cancel_scope.cancel()
    assert turns > 2000
