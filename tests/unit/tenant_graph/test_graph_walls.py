"""Nothing of one person is reachable by another; four requests at a time per app and mailbox."""

import asyncio

import pytest

WINDOW = "startDateTime=2026-01-01&endDateTime=2027-12-01&$top=1000"


def paths_of(graph, who):
    """Every path that leads to one thing of a person, by both kinds of ids."""
    paths = []
    for prefer in ("", 'IdType="ImmutableId"'):
        more = {"who": who, "Prefer": prefer}
        mails = graph.every("/me/messages?$top=1000&$expand=attachments", **more)
        events = graph.every(f"/me/calendarView?{WINDOW}", **more)
        paths += [f"/me/messages/{mail['id']}" for mail in mails]
        paths += [
            f"/me/messages/{mail['id']}/attachments/{each['id']}/$value"
            for mail in mails
            for each in mail["attachments"]
        ]
        paths += [f"/me/events/{event['id']}" for event in events]
        masters = {event["seriesMasterId"] for event in events} - {None}
        paths += [f"/me/events/{master}" for master in masters]
        folders = graph.every("/me/mailFolders?$top=100", **more)
        paths += [f"/me/mailFolders/{folder['id']}/messages" for folder in folders]
        calendars = graph.every("/me/calendars", **more)
        paths += [f"/me/calendars/{each['id']}/calendarView?{WINDOW}" for each in calendars]
    drive = graph.get("/me/drive", who=who).json()["id"]
    items = graph.every("/me/drive/root/search(q='')?$top=1000", who=who)
    paths += [f"/me/drive/items/{item['id']}" for item in items]
    paths += [f"/drives/{drive}/items/{item['id']}/content" for item in items if "file" in item]
    return [*paths, f"/drives/{drive}", f"/drives/{drive}/root/children"]


def test_no_id_of_one_person_opens_anything_for_another(graph):
    paths = paths_of(graph, "adele")
    assert len(paths) > 1000

    async def statuses(who):
        headers = graph.headers(who)
        async with graph.many_at_once() as client:
            return {
                path: (await client.get(f"/v1.0{path}", headers=headers)).status_code
                for path in paths
            }

    assert set(asyncio.run(statuses("megan")).values()) == {404}
    assert set(asyncio.run(statuses("adele")).values()) <= {200, 302}


def test_two_people_share_no_id(graph):
    def ids(who):
        found = {mail["id"] for mail in graph.every("/me/messages?$top=1000", who=who)}
        items = graph.every("/me/drive/root/search(q='')?$top=1000", who=who)
        return found | {item["id"] for item in items}

    assert not ids("adele") & ids("diego")


def test_download_link_stays_with_the_file_of_its_person(graph):
    url = graph.get("/me/drive/root:/Notes/Door log.txt:").json()["@microsoft.graph.downloadUrl"]
    graph.client.get(url)
    assert graph.log[-1]["person"] == graph.get("/me").json()["id"]


class Crossing:
    """Holds requests inside the service until all that are expected have arrived."""

    def __init__(self, expected):
        self.expected = expected
        self.inside = 0
        self.full = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, _oid):
        self.inside += 1
        if self.inside == self.expected:
            self.full.set()
        await self.open.wait()


@pytest.mark.parametrize("path", ["/me/messages", f"/me/calendarView?{WINDOW}"])
def test_fifth_request_in_flight_is_throttled_and_the_slot_comes_back(graph, path):
    async def scene():
        crossing = Crossing(4)
        graph.faults += [crossing] * 4
        async with graph.many_at_once() as client, asyncio.TaskGroup() as group:

            def ask(**more):
                return client.get(f"/v1.0{path}", headers=graph.headers(**more))

            first = [group.create_task(ask()) for _ in range(4)]
            await crossing.full.wait()
            fifth = await ask()
            elsewhere = await ask(who="megan")
            files = await client.get("/v1.0/me/drive", headers=graph.headers())
            crossing.open.set()
            answers = [await task for task in first]
            later = await ask()
        return fifth, elsewhere, files, answers, later

    fifth, elsewhere, files, answers, later = asyncio.run(scene())
    assert fifth.status_code == 429
    assert fifth.headers["Retry-After"] == "1"
    assert fifth.json()["error"] == {
        "code": "ApplicationThrottled",
        "message": "Application is over its MailboxConcurrency limit.",
        "innerError": fifth.json()["error"]["innerError"],
    }
    for answer in (elsewhere, files, *answers, later):
        assert answer.status_code == 200


def test_limit_is_per_app_and_a_cancelled_request_frees_its_slot(graph):
    async def scene():
        crossing = Crossing(4)
        graph.faults += [crossing] * 4
        async with graph.many_at_once() as client:
            mine = graph.headers()
            theirs = {"Authorization": f"Bearer {graph.bearer(app='app-2')}"}
            tasks = [
                asyncio.create_task(client.get("/v1.0/me/messages", headers=mine)) for _ in range(4)
            ]
            await crossing.full.wait()
            other_app = await client.get("/v1.0/me/messages", headers=theirs)
            tasks[0].cancel()
            await asyncio.wait(tasks[:1])
            after = await client.get("/v1.0/me/messages", headers=mine)
            crossing.open.set()
            await asyncio.gather(*tasks[1:])
            return other_app, after

    other_app, after = asyncio.run(scene())
    assert (other_app.status_code, after.status_code) == (200, 200)
