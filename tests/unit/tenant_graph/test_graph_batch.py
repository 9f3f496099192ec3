"""`$batch`: each request in it is admitted, limited, disturbed and recorded as if it came alone."""

import asyncio
import base64

import pytest
from starlette.responses import JSONResponse

SCOPES = "Mail.ReadWrite Mail.Send User.Read Calendars.Read"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def graph(fresh_graph):
    return fresh_graph


def step(number, url="/me?$select=id", method="GET", **more):
    return {"id": str(number), "method": method, "url": url, **more}


def batch(graph, *steps, scopes=SCOPES):
    return graph.send("POST", "/$batch", {"requests": list(steps)}, scopes=scopes)


def answers(graph, *steps, **more):
    answer = batch(graph, *steps, **more)
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["responses"]}


def test_each_request_gets_its_own_answer_in_no_order(graph):
    orders = set()
    for _ in range(5):
        listed = batch(graph, *(step(n, f"/me/messages?$top={n}") for n in range(1, 7))).json()
        for each in listed["responses"]:
            assert each["status"] == 200
            assert len(each["body"]["value"]) == int(each["id"])
        orders.add(tuple(each["id"] for each in listed["responses"]))
    assert len(orders) > 1


def test_a_refusal_inside_leaves_the_others_alone(graph):
    found = answers(graph, step(1), step(2, "/me/messages/nonsense"), step(3, "/me/wardrobe"))
    assert {name: each["status"] for name, each in found.items()} == {"1": 200, "2": 400, "3": 400}
    assert found["2"]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"


def test_each_request_needs_its_own_scope(graph):
    found = answers(graph, step(1), step(2, "/me/messages?$top=1"), scopes="User.Read")
    assert (found["1"]["status"], found["2"]["status"]) == (200, 403)


def test_a_batch_without_a_good_token_is_refused_whole(graph):
    answer = graph.client.post("/v1.0/$batch", json={"requests": [step(1)]})
    assert answer.status_code == 401


def test_each_request_is_recorded_beside_the_batch(graph):
    batch(graph, step(1), step(2, "/me/messages?$top=1"))
    shown = [(entry["method"], entry["path"], entry["status"]) for entry in graph.log]
    assert sorted(shown[:-1]) == [("GET", "/v1.0/me", 200), ("GET", "/v1.0/me/messages", 200)]
    assert shown[-1] == ("POST", "/v1.0/$batch", 200)


def test_what_was_throttled_inside_brings_its_own_retry_after(graph):
    async def outer(_oid):
        return None

    async def throttled(_oid):
        return JSONResponse({"error": {"code": "ApplicationThrottled"}}, 429, {"Retry-After": "3"})

    graph.faults += [outer, throttled]
    found = answers(graph, step(1), step(2, dependsOn=["1"]), step(3))
    assert found["1"]["status"] == 429
    assert found["1"]["headers"]["retry-after"] == "3"
    assert (found["2"]["status"], found["3"]["status"]) == (424, 200)


def test_what_depends_on_another_comes_after_it(graph):
    made = graph.send("POST", "/me/messages", {"subject": "x"}, scopes=SCOPES).json()["id"]
    chain = [
        step(
            number,
            f"/me/messages/{made}",
            "PATCH",
            headers=JSON,
            body={"subject": f"Number {number}"},
            dependsOn=[str(number + 1)] if number < 5 else [],
        )
        for number in range(6)
    ]
    found = answers(graph, *chain)
    assert {each["status"] for each in found.values()} == {200}
    assert graph.get(f"/me/messages/{made}").json()["subject"] == "Number 0"


def test_after_a_failure_nothing_that_depends_on_it_is_done(graph):
    made = graph.send("POST", "/me/messages", {"subject": "kept"}, scopes=SCOPES).json()["id"]
    found = answers(
        graph,
        step(1, "/me/messages/nonsense"),
        step(2, f"/me/messages/{made}", "DELETE", dependsOn=["1"]),
        step(3, dependsOn=["2"]),
    )
    assert [found[n]["status"] for n in "123"] == [400, 424, 424]
    assert graph.get(f"/me/messages/{made}").status_code == 200


class Counter:
    """Counts how many requests are inside at once; each stays until the loop has gone round."""

    def __init__(self):
        self.inside = self.most = 0

    async def __call__(self, _oid):
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(20):
            await asyncio.sleep(0)
        self.inside -= 1


@pytest.mark.parametrize(("chained", "most"), [(False, 4), (True, 1)])
def test_a_batch_takes_no_more_of_the_mailbox_than_four_at_a_time(graph, chained, most):
    counter = Counter()

    async def outer(_oid):
        return None

    graph.faults += [outer, *[counter] * 12]
    first = {"dependsOn": ["0"]} if chained else {}
    steps = [step(n, "/me/messages?$top=1", **(first if n else {})) for n in range(12)]
    found = answers(graph, *steps)
    assert {each["status"] for each in found.values()} == {200}
    assert counter.most == most


def test_what_is_not_json_is_base64(graph):
    mail = graph.get("/me/messages?$filter=hasAttachments eq true&$top=1").json()["value"][0]
    path = f"/me/messages/{mail['id']}/attachments"
    one = graph.get(path).json()["value"][0]
    found = answers(graph, step(1, f"{path}/{one['id']}/$value"), step(2, "/me/messages/$count"))
    assert base64.b64decode(found["1"]["body"]) == base64.b64decode(one["contentBytes"])
    assert base64.b64decode(found["2"]["body"]) == b"300"


def test_an_answer_without_a_body_has_none_inside_either(graph):
    to = [{"emailAddress": {"address": "adele@contoso.example"}}]
    made = graph.send("POST", "/me/messages", {"toRecipients": to}, scopes=SCOPES).json()["id"]
    send = step(1, f"/me/messages/{made}/send", "POST", headers=JSON, body={})
    found = answers(graph, send)
    assert (found["1"]["status"], "body" in found["1"]) == (202, False)


def test_headers_and_odd_characters_reach_the_request(graph):
    url = 'me/messages?$top=1&$search="för"&$select=id'
    wish = {"Prefer": 'IdType="ImmutableId"', "Authorization": "Bearer nonsense"}
    found = answers(graph, step(1, url, headers=wish))["1"]
    assert found["status"] == 200
    assert found["headers"]["preference-applied"] == 'IdType="ImmutableId"'


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([step(n) for n in range(21)], "maximum value of 20"),
        ([], "Invalid batch payload"),
        ([step(1), step(1)], "repeated"),
        ([step(1, dependsOn=["2"])], "unknown"),
        ([step(1, dependsOn=["1"])], "unknown"),
        ([step(1, dependsOn=["2"]), step(2, dependsOn=["1"])], "circle"),
        ([step(1, "/me/messages", "POST", body={})], "does not contain Content-Type"),
        ([step(1, "/me/messages", "POST", headers=JSON)], "does not contain Content-Type"),
        ([step(1, "https://graph.test/v1.0/me")], "cannot be in a batch"),
        ([step(1, "/$batch", "POST", headers=JSON, body={})], "cannot be in a batch"),
        ([{"id": "1", "method": "GET"}], "Invalid batch payload"),
        (["x"], "Invalid batch payload"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(graph, steps, words):
    answer = batch(graph, *steps)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert len(graph.log) == 1


def test_no_batch_opens_what_a_single_request_would_not(graph):
    mail = graph.get("/me/messages?$top=1", who="megan").json()["value"][0]["id"]
    urls = [f"/me/messages/{mail}", "/users/megan@contoso.example/messages", "/../me/messages"]
    found = answers(graph, *(step(n, url) for n, url in enumerate(urls)))
    assert [found[str(n)]["status"] for n in range(3)] == [404, 403, 400]
