import re

import httpx
import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

IDS = {"message_id": "mail-1", "attachment_id": "part-1"}
PATH = "/v1.0/me/messages/mail-1/attachments/part-1"
FENCED = re.compile(r"<untrusted (\w{8})>\n(.*)\n</untrusted \1>", re.DOTALL)


def part(name="notes.txt", kind="file", size=11, **changes):
    return {
        "@odata.type": f"#microsoft.graph.{kind}Attachment",
        "id": "part-1",
        "name": name,
        "contentType": "text/plain",
        "size": size,
    } | changes


def holding(world, content, name="notes.txt", **changes):
    world.network.on(PATH, part(name, size=len(content), **changes))
    world.network.on(f"{PATH}/$value", httpx.Response(200, content=content))


def text_of(told):
    return FENCED.fullmatch(told["untrusted_text"])[2]


async def test_a_text_file_is_read(world):
    holding(world, "Hällo\r\nworld".encode())
    told = await world.told("mail_attachment_read", **IDS)
    assert (told["name"], told["size"]) == ("notes.txt", 13)
    assert text_of(told) == "Hällo\nworld"
    assert "more" not in told


async def test_html_is_shown_as_a_reader_sees_it(world):
    holding(world, b"<p>Hi</p><p style='display:none'>no</p><script>x</script>", "a.HTML")
    assert text_of(await world.told("mail_attachment_read", **IDS)) == "Hi"


async def test_a_long_attachment_is_read_piece_by_piece_without_loss(world):
    text = "".join(f"line {n} äöü\n" for n in range(3000))
    holding(world, text.encode())
    got, offset = "", 0
    async with world.client() as client:
        while True:
            arguments = {**IDS, "max_chars": 9000, "offset": offset}
            told = shown(await client.call_tool("mail_attachment_read", arguments))
            got += text_of(told)
            if "more" not in told:
                break
            assert told["more"] > offset
            offset = told["more"]
    assert got == text


async def test_no_attachment_makes_a_result_larger_than_the_budget():
    world = World(result_budget_bytes=4096)
    holding(world, ("日" * 30_000).encode(), name="日" * 300 + ".txt")
    result = await world.call("mail_attachment_read", **IDS, max_chars=32_000)
    assert size_bytes(result) <= 4096


async def test_an_attachment_without_text_is_named_with_its_size(world):
    holding(world, b"\x00\x01\x02", "photo.jpg", contentType="image/jpeg")
    told = await world.told("mail_attachment_read", **IDS)
    assert told["note"].startswith("binary, 3 bytes")
    assert "untrusted_text" not in told
    assert world.network.paths() == [PATH]


async def test_a_binary_that_calls_itself_a_text_is_found_out(world):
    holding(world, b"MZ\x00\x01")
    told = await world.told("mail_attachment_read", **IDS)
    assert "4 bytes" in told["note"]
    assert "untrusted_text" not in told


@pytest.mark.parametrize("name", ["ATT00001", "../../etc/passwd", "x.exe", "note.TXT.bin"])
async def test_a_name_without_a_known_ending_is_read_as_its_content_type_says(world, name):
    holding(world, b"plain", name, contentType="Text/Plain; charset=utf-8")
    assert text_of(await world.told("mail_attachment_read", **IDS)) == "plain"


async def test_a_broken_document_is_told_as_such(world):
    holding(world, b"PK no zip", "plan.docx")
    told = await world.told("mail_attachment_read", **IDS)
    assert "damaged" in told["note"]
    assert "untrusted_text" not in told


async def test_an_empty_attachment_has_no_text(world):
    holding(world, b"")
    told = await world.told("mail_attachment_read", **IDS)
    assert told["size"] == 0
    assert "more" not in told


async def test_an_attachment_that_says_it_is_huge_is_not_fetched(world):
    world.network.on(PATH, part(size=200 * 1024 * 1024))
    assert "large" in str(await world.told("mail_attachment_read", **IDS))
    assert world.network.paths() == [PATH]


async def test_an_attachment_that_is_larger_than_it_says_is_broken_off(world):
    world.network.on(PATH, part(size=5))
    sent = []

    async def flood():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * (1024 * 1024)

    world.network.on(f"{PATH}/$value", lambda request: httpx.Response(200, content=flood()))
    assert (await world.refused("mail_attachment_read", **IDS))["error"] == "too_large"
    assert len(sent) < 30


async def test_a_mail_inside_a_mail_is_shown_with_its_head_and_text(world):
    item = {
        "@odata.type": "#microsoft.graph.message",
        "subject": "Old\nnews",
        "from": {"emailAddress": {"name": "Pat", "address": "pat@fabrikam.example"}},
        "toRecipients": [],
        "receivedDateTime": "2026-11-20T08:00:00Z",
        "body": {"contentType": "text", "content": "Dear\u202e all"},
    }
    kind = part("Old news", "item")
    world.network.on(PATH, kind, {**kind, "item": item})
    told = await world.told("mail_attachment_read", **IDS)
    assert (told["kind"], told["subject"]) == ("message", "Old news")
    assert told["from"] == "Pat <pat@fabrikam.example>"
    assert told["date"] == "2026-11-20T09:00+01:00"
    assert text_of(told) == "Dear all"
    asked = world.network.last(PATH)
    assert asked.url.params["$expand"] == "microsoft.graph.itemattachment/item"
    assert 'outlook.body-content-type="text"' in asked.headers["prefer"]


async def test_an_event_inside_a_mail_is_shown_with_its_start(world):
    item = {
        "@odata.type": "#microsoft.graph.event",
        "subject": "Party",
        "organizer": {"emailAddress": {"name": "Pat", "address": "pat@fabrikam.example"}},
        "start": {"dateTime": "2026-12-01T18:00:00.0000000", "timeZone": "UTC"},
    }
    kind = part("Party", "item")
    world.network.on(PATH, kind, {**kind, "item": item})
    told = await world.told("mail_attachment_read", **IDS)
    assert (told["kind"], told["date"]) == ("event", "2026-12-01T19:00+01:00")


@pytest.mark.parametrize("item", [None, "x", {}, {"body": "x", "from": 1, "subject": []}])
async def test_an_item_of_a_strange_shape_is_no_reason_to_fail(world, item):
    kind = part("Odd", "item")
    world.network.on(PATH, kind, {**kind, "item": item})
    assert (await world.told("mail_attachment_read", **IDS))["name"] == "Odd"


async def test_a_link_is_named_and_never_followed(world):
    link = part("Plan.docx", "reference", sourceUrl="https://evil.example/x")
    world.network.on(PATH, link)
    told = await world.told("mail_attachment_read", **IDS)
    assert told["name"] == "Plan.docx"
    assert "files_search" in told["note"]
    assert "evil" not in str(told)
    assert world.network.paths() == [PATH]


async def test_a_busy_mailbox_is_waited_for_while_an_attachment_is_read(world):
    holding(world, b"Hello")
    value = httpx.Response(200, content=b"Hello")
    world.network.on(f"{PATH}/$value", throttled("2"), error(503, "x"), value)
    assert text_of(await world.told("mail_attachment_read", **IDS)) == "Hello"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (error(403, "ErrorAccessDenied"), "forbidden"),
        (error(404, "ErrorItemNotFound"), "not_found"),
        (throttled("99"), "throttled"),
        (httpx.Response(200, content=b"<html>"), "unexpected_answer"),
    ],
)
async def test_what_graph_refuses_of_an_attachment_is_told_in_words(world, answer, name):
    world.network.on(PATH, answer)
    assert (await world.refused("mail_attachment_read", **IDS))["error"] == name


@pytest.mark.parametrize("argument", ["message_id", "attachment_id"])
@pytest.mark.parametrize("bad", ["", "..", "a/../b", "a b", "$value?x", "ä", "x" * 513])
async def test_an_id_of_an_attachment_that_leads_elsewhere_is_refused(world, argument, bad):
    refused = await world.refused("mail_attachment_read", **{**IDS, argument: bad})
    assert (refused["error"], refused["argument"]) == ("bad_argument", argument)
    assert world.network.requests == []
