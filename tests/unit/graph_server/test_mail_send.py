import anyio
import pytest

from obo_mcp import InteractionRequired
from unit.graph_server.outbox import ROOT, Outbox, person, writes
from unit.graph_server.world import World, challenged, error, refusal, throttled

SEND = ("POST", f"{ROOT}/draft-1/send")


@pytest.fixture
def world():
    return World(read_only=False)


@pytest.fixture
def outbox(world):
    return Outbox(world)


def sends(world):
    return [one for one in writes(world) if one[1].endswith("/send")]


async def test_a_draft_is_sent_as_it_is(world, outbox):
    outbox.draft()
    told = await world.told("mail_send", draft_id="draft-1")
    assert told == {
        "sent": True,
        "id": "draft-1",
        "subject": "Figures",
        "to": ["Megan <megan@contoso.example>"],
    }
    assert writes(world) == [SEND]
    assert outbox.sent == ["draft-1"]
    assert world.network.last(f"{ROOT}/draft-1/send").content == b""


async def test_the_draft_is_read_with_no_more_than_its_envelope(world, outbox):
    outbox.draft()
    await world.told("mail_send", draft_id="draft-1")
    asked = world.network.last(f"{ROOT}/draft-1")
    assert "body" not in asked.url.params["$select"]
    assert asked.headers["prefer"] == 'IdType="ImmutableId"'


async def test_recipients_elsewhere_and_a_missing_subject_are_pointed_out(world, outbox):
    outbox.draft("draft-1", "pat@fabrikam.example", subject="")
    told = await world.told("mail_send", draft_id="draft-1")
    assert told["warnings"] == [
        "1 recipient is outside contoso.example: fabrikam.example.",
        "It has no subject.",
    ]


async def test_a_rehearsal_sends_nothing(world, outbox):
    outbox.draft()
    told = await world.told("mail_send", draft_id="draft-1", dry_run=True)
    assert told["dry_run"] is True
    assert told["would"]["send"]["to"] == ["Megan <megan@contoso.example>"]
    assert writes(world) == []


@pytest.mark.parametrize("properties", [{"isDraft": False}, {"isDraft": None}, {"isDraft": "true"}])
async def test_only_a_draft_can_be_sent(world, outbox, properties):
    outbox.draft(**properties)
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert (refused["error"], refused["argument"]) == ("bad_argument", "draft_id")
    assert writes(world) == []


async def test_a_mail_that_was_sent_is_not_sent_again(world, outbox):
    outbox.draft()
    await world.told("mail_send", draft_id="draft-1")
    assert (await world.refused("mail_send", draft_id="draft-1"))["error"] == "bad_argument"
    assert outbox.sent == ["draft-1"]


async def test_a_draft_for_nobody_is_not_sent(world, outbox):
    outbox.draft(toRecipients=[])
    assert "recipients" in (await world.refused("mail_send", draft_id="draft-1"))["hint"]
    assert writes(world) == []


@pytest.mark.parametrize("kind", ["toRecipients", "ccRecipients", "bccRecipients"])
async def test_the_operators_rules_hold_for_everybody_on_the_draft(kind):
    world = World(read_only=False, recipient_domains="contoso.example")
    Outbox(world).draft(**{kind: [person("pat@fabrikam.example")]})
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


async def test_too_many_recipients_together_are_refused():
    world = World(read_only=False, max_recipients=2)
    Outbox(world).draft(
        "draft-1",
        "a@contoso.example",
        ccRecipients=[person("b@contoso.example")],
        bccRecipients=[person("c@contoso.example")],
    )
    assert (await world.refused("mail_send", draft_id="draft-1"))["error"] == "recipients_refused"
    assert writes(world) == []


@pytest.mark.parametrize("bad", ["", "..", "a/../b", "a b", "ä", "x\n", "x?y", "x#y", "x" * 513])
async def test_what_cannot_be_an_id_never_reaches_graph(world, bad):
    assert (await world.refused("mail_send", draft_id=bad))["error"] in {"bad_argument", "bad_id"}
    assert world.network.requests == []


async def test_an_id_cannot_lead_to_another_path(world):
    await world.refused("mail_send", draft_id="x/send")
    assert [r.url.raw_path.split(b"?")[0] for r in world.network.requests] == [
        b"/v1.0/me/messages/x%2Fsend"
    ]


# --- answers that do not come --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lost after", "cut after"])
async def test_a_send_whose_answer_got_lost_is_looked_up_and_told_as_sent(world, outbox, how):
    outbox.draft()
    outbox.sending = [how]
    told = await world.told("mail_send", draft_id="draft-1")
    assert told["sent"] is True
    assert sends(world) == [SEND]
    assert outbox.sent == ["draft-1"]
    assert world.clock.waits == []


async def test_a_mail_that_only_sent_items_know_was_sent(world, outbox):
    outbox.draft()
    outbox.sending = ["moved after"]
    assert (await world.told("mail_send", draft_id="draft-1"))["sent"] is True
    asked = world.network.last("/v1.0/me/mailFolders/sentitems/messages").url.params
    assert asked["$filter"] == "internetMessageId eq '<draft-1@contoso.example>'"
    assert sends(world) == [SEND]


async def test_a_mail_that_is_nowhere_may_have_been_sent(world, outbox):
    outbox.draft()
    outbox.sending = ["late after"]
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert (refused["error"], refused["draft_id"]) == ("maybe_sent", "draft-1")
    assert "sentitems" in refused["hint"]
    assert sends(world) == [SEND]


@pytest.mark.parametrize("how", ["lost before", "cut before"])
async def test_a_mail_that_is_a_draft_still_was_not_sent_so_far(world, outbox, how):
    outbox.draft()
    outbox.sending = [how]
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert (refused["error"], refused["draft_id"]) == ("not_sent", "draft-1")
    assert sends(world) == [SEND]
    assert outbox.sent == []
    assert world.clock.waits == [2, 4]


async def test_a_mail_that_leaves_a_moment_later_is_told_as_sent(world, outbox):
    outbox.draft()
    outbox.sending = ["lost before"]
    draft, sent = dict(outbox.mails["draft-1"]), {"id": "draft-1", "isDraft": False}
    world.network.on(f"{ROOT}/draft-1", draft, draft, sent)
    assert (await world.told("mail_send", draft_id="draft-1"))["sent"] is True
    assert sends(world) == [SEND]


async def test_a_mail_that_is_filed_a_moment_later_is_told_as_sent(world, outbox):
    outbox.draft()
    outbox.sending = ["lost before"]
    gone = error(404, "ErrorItemNotFound")
    draft, sent = dict(outbox.mails["draft-1"]), {"id": "draft-1", "isDraft": False}
    world.network.on(f"{ROOT}/draft-1", draft, gone, gone, sent)
    assert (await world.told("mail_send", draft_id="draft-1"))["sent"] is True
    assert sends(world) == [SEND]


async def test_a_busy_mailbox_sends_nothing_and_is_not_asked_again(world, outbox):
    outbox.draft()
    outbox.sending = ["busy"]
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert (refused["error"], refused["retry_after_s"]) == ("not_sent", 7)
    assert sends(world) == [SEND]
    assert outbox.sent == []
    assert world.clock.waits == []


@pytest.mark.parametrize(
    ("how", "told"),
    [("lost before", "maybe_sent"), ("busy", "not_sent"), ("lost after", "maybe_sent")],
)
async def test_where_the_lookup_fails_too_no_more_is_claimed_than_is_known(
    world, outbox, how, told
):
    outbox.draft()
    outbox.sending = [how]
    draft = dict(outbox.mails["draft-1"])
    world.network.on(f"{ROOT}/draft-1", draft, error(500, "ErrorInternalServerError"))
    assert (await world.refused("mail_send", draft_id="draft-1"))["error"] == told
    assert sends(world) == [SEND]


@pytest.mark.parametrize("answer", [{}, {"id": "draft-1", "isDraft": "no"}])
async def test_a_lookup_that_makes_no_sense_proves_nothing(world, outbox, answer):
    outbox.draft()
    outbox.sending = ["lost before"]
    world.network.on(f"{ROOT}/draft-1", dict(outbox.mails["draft-1"]), answer)
    assert (await world.refused("mail_send", draft_id="draft-1"))["error"] == "maybe_sent"


async def test_after_a_send_that_failed_the_same_call_can_be_made_again(world, outbox):
    outbox.draft()
    outbox.sending = ["busy", "done"]
    await world.refused("mail_send", draft_id="draft-1")
    assert (await world.told("mail_send", draft_id="draft-1"))["sent"] is True
    assert outbox.sent == ["draft-1"]


async def test_what_graph_refuses_is_not_looked_up(world, outbox):
    outbox.draft()
    world.network.on(SEND[1], error(403, "ErrorAccessDenied"), method="POST")
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert refused["error"] == "forbidden"
    assert "Mail.Send" in refused["missing_scope"]
    world.network.on(SEND[1], error(400, "ErrorInvalidRecipients"), method="POST")
    assert (await world.refused("mail_send", draft_id="draft-1"))["code"] == (
        "ErrorInvalidRecipients"
    )
    assert world.network.paths().count(f"{ROOT}/draft-1") == 2


async def test_a_draft_that_is_not_there_cannot_be_sent(world):
    assert (await world.refused("mail_send", draft_id="x"))["error"] == "not_found"


async def test_a_busy_mailbox_is_waited_for_while_the_draft_is_read(world, outbox):
    outbox.draft()
    draft = dict(outbox.mails["draft-1"])
    world.network.on(f"{ROOT}/draft-1", throttled("2"), draft)
    assert (await world.told("mail_send", draft_id="draft-1"))["sent"] is True


async def test_attachments_of_a_draft_are_pointed_out_before_it_leaves(world, outbox):
    outbox.draft(hasAttachments=True)
    told = await world.told("mail_send", draft_id="draft-1", dry_run=True)
    assert told["warnings"] == ["Attachments go along."]
    assert (await world.told("mail_send", draft_id="draft-1"))["warnings"] == told["warnings"]


async def test_recipients_without_address_count_by_their_names():
    world = World(read_only=False, max_recipients=2)
    unknown = [{"emailAddress": {"name": f"Person {number}"}} for number in range(3)]
    Outbox(world).draft(toRecipients=unknown)
    assert (await world.refused("mail_send", draft_id="draft-1"))["error"] == "recipients_refused"
    assert writes(world) == []


async def test_of_two_calls_at_one_time_only_one_sends(world, outbox):
    outbox.draft()
    begun, go_on = anyio.Event(), anyio.Event()

    async def slowly(request):
        begun.set()
        await go_on.wait()
        return outbox._send("draft-1")

    world.network.on(f"{ROOT}/draft-1/send", slowly, method="POST")
    first = []
    async with world.client() as client, anyio.create_task_group() as tasks:

        async def send():
            first.append(await client.call_tool("mail_send", {"draft_id": "draft-1"}))

        tasks.start_soon(send)
        await begun.wait()
        second = refusal(await client.call_tool("mail_send", {"draft_id": "draft-1"}))
        outbox.draft("draft-2")
        other = await client.call_tool("mail_send", {"draft_id": "draft-2"})
        go_on.set()
    assert (second["error"], second["draft_id"]) == ("being_sent", "draft-1")
    assert (first[0].is_error, other.is_error) == (False, False)
    assert outbox.sent == ["draft-2", "draft-1"]


async def test_a_lookup_that_wants_a_new_sign_in_does_not_have_the_call_made_again(world, outbox):
    outbox.draft()
    outbox.sending = ["cut after"]
    looks = [outbox.mails["draft-1"], challenged()]
    world.network.on(f"{ROOT}/draft-1", *looks)
    world.obo.endpoint.meanwhile = lambda: (
        world.obo.endpoint.refusals.append(InteractionRequired("AADSTS50076"))
        if len(world.obo.endpoint.asked) > 1
        else None
    )
    refused = await world.refused("mail_send", draft_id="draft-1")
    assert refused["error"] == "maybe_sent"
    assert "sign in" not in str(refused)
    assert sends(world) == [SEND]
