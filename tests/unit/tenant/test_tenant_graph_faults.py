"""Faults of Graph by path and method, over real connections; what is lost before and after."""

from collections import Counter

import httpx
import pytest

SCOPES = ["Mail.ReadWrite", "Mail.Send", "User.Read"]
SEND = "/v1.0/me/messages/{message}/send"
TO_MEGAN = [{"emailAddress": {"address": "megan@contoso.example"}}]


class Mailer:
    """One person's mail over a connection of its own, so that a cut harms nobody else."""

    def __init__(self, world, person="adele"):
        token = world.mint("graph", person=person, client="mcp-server", scopes=SCOPES)
        self.http = httpx.Client(
            verify=world.trust,
            trust_env=False,
            base_url=f"{world.url}/v1.0",
            headers={"Authorization": f"Bearer {token}"},
        )

    def draft(self, subject):
        body = {"subject": subject, "toRecipients": TO_MEGAN}
        headers = {"Prefer": 'IdType="ImmutableId"'}
        return self.http.post("/me/messages", json=body, headers=headers).json()["id"]

    def send(self, draft):
        return self.http.post(f"/me/messages/{draft}/send")

    def subjects(self):
        listed = self.http.get("/me/mailFolders/inbox/messages?$top=1000&$select=subject").json()
        return Counter(mail["subject"] for mail in listed["value"])


@pytest.fixture
def mailer(own_world):
    made = Mailer(own_world)
    yield made
    made.http.close()


@pytest.fixture
def megan(own_world):
    made = Mailer(own_world, "megan")
    yield made
    made.http.close()


def set_fault(world, **fault):
    world.switch("PUT", "/faults", {"where": "graph"} | fault)


# --- where a fault strikes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({"path": SEND}, ["send"]),
        ({"path": "/v1.0/me/messages"}, ["list", "draft", "send"]),
        ({"path": "/v1.0/me/messages", "method": "POST"}, ["draft", "send"]),
        ({"path": "/v1.0/*/send"}, ["send"]),
        ({"path": "/v1.0/me/mess"}, []),
        ({"path": "/v1.0/*/messages"}, ["list", "draft"]),
        ({"method": "GET"}, ["me", "list"]),
        ({}, ["me", "list", "draft", "send"]),
    ],
    ids=str,
)
def test_a_fault_strikes_its_path_and_its_method_only(own_world, mailer, fault, struck):
    draft = mailer.draft("Somewhere")
    set_fault(own_world, status=429, count=100, **fault)
    answers = {
        "me": mailer.http.get("/me"),
        "list": mailer.http.get("/me/messages?$top=1"),
        "draft": mailer.http.post("/me/messages", json={}),
        "send": mailer.send(draft),
    }
    assert [name for name, answer in answers.items() if answer.status_code == 429] == struck


def test_the_more_particular_fault_strikes_first(own_world, mailer):
    draft = mailer.draft("Particular")
    set_fault(own_world, status=503, count=100)
    set_fault(own_world, status=429, path=SEND)
    assert [mailer.send(draft).status_code for _ in range(2)] == [429, 503]
    assert mailer.http.get("/me").status_code == 503


def test_faults_of_chance_at_two_paths_keep_their_own_shares(own_world, mailer):
    for path in ("/v1.0/me/messages", "/v1.0/me/mailFolders"):
        set_fault(own_world, status=503, path=path, probability=0.9, count=1000, name="x")
    answers = Counter(mailer.http.get("/me").status_code for _ in range(20))
    assert answers == {200: 20}
    answers = Counter(mailer.http.get("/me/mailFolders").status_code for _ in range(40))
    assert answers[503] > 25


def test_a_batch_is_struck_as_a_whole_or_inside(own_world, mailer):
    steps = [{"id": str(n), "method": "GET", "url": "/me"} for n in range(3)]
    set_fault(own_world, status=429, path="/v1.0/me", headers={"Retry-After": "2"})
    inside = mailer.http.post("/$batch", json={"requests": steps}).json()["responses"]
    assert sorted(each["status"] for each in inside) == [200, 200, 429]
    (throttled,) = [each for each in inside if each["status"] == 429]
    assert throttled["headers"]["retry-after"] == "2"
    set_fault(own_world, status=503, path="/v1.0/$batch")
    assert mailer.http.post("/$batch", json={"requests": steps}).status_code == 503


# --- what comes instead --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequests"),
        (503, "ServiceUnavailable"),
        (504, "UnknownError"),
        (507, "quotaLimitReached"),
        (509, "activityLimitReached"),
    ],
)
def test_trouble_has_the_body_of_the_service(own_world, mailer, status, code):
    set_fault(own_world, status=status)
    answer = mailer.http.get("/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_gateway_answers_with_a_page(own_world, mailer):
    set_fault(own_world, status=502, form="html")
    answer = mailer.http.get("/me")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")


def test_a_refusal_may_be_empty(own_world, mailer):
    set_fault(own_world, status=403, form="empty")
    answer = mailer.http.get("/me")
    assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize("form", ["reset", "partial"])
def test_a_connection_can_be_cut(own_world, mailer, form, capfd, caplog):
    set_fault(own_world, form=form, path="/v1.0/me")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        mailer.http.get("/me")
    assert mailer.http.get("/me").status_code == 200
    entries = own_world.switch("GET", "/log")["entries"]
    graph = [entry["status"] for entry in entries if entry["where"] == "graph"]
    assert graph == [444 if form == "reset" else 200, 200]
    assert "ASGI" not in capfd.readouterr().err + caplog.text


# --- what is lost after the work -----------------------------------------------------------------


@pytest.mark.parametrize("lost", [{"status": 504}, {"form": "reset"}, {"status": 503}], ids=str)
def test_a_send_may_happen_although_its_answer_is_lost(own_world, mailer, megan, lost):
    draft = mailer.draft("Did it leave?")
    set_fault(own_world, path=SEND, method="POST", after=True, **lost)
    try:
        answer = mailer.send(draft)
    except httpx.TransportError:
        pass
    else:
        assert answer.status_code == lost["status"]
    assert megan.subjects()["Did it leave?"] == 1
    assert not mailer.http.get(f"/me/messages/{draft}").json()["isDraft"]


def test_a_send_may_happen_although_nobody_waited_for_its_answer(own_world, mailer, megan):
    draft = mailer.draft("Not waited for")
    set_fault(own_world, path=SEND, status=504, after=True, delay_seconds=1)
    mailer.http.timeout = 0.5
    with pytest.raises(httpx.ReadTimeout):
        mailer.send(draft)
    assert megan.subjects()["Not waited for"] == 1


def test_a_send_that_was_struck_before_the_work_did_not_happen(own_world, mailer, megan):
    draft = mailer.draft("It did not")
    set_fault(own_world, path=SEND, status=504)
    assert mailer.send(draft).status_code == 504
    assert megan.subjects()["It did not"] == 0
    assert mailer.http.get(f"/me/messages/{draft}").json()["isDraft"]


# --- the switches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"where": "graph", "path": "me"}, "path"),
        ({"where": "graph", "path": "/v1.0/ me"}, "path"),
        ({"where": "graph", "method": "BREW"}, "method"),
        ({"where": "graph", "form": "poem"}, "form"),
        ({"where": "graph", "after": "yes"}, "after"),
        ({"where": "token", "path": "/v1.0/me"}, "graph"),
        ({"where": "token", "form": "reset"}, "graph"),
    ],
    ids=str,
)
def test_a_wrong_order_for_graph_is_refused(own_world, fault, word):
    answer = own_world.http.put("/_tenant/faults", json={"status": 500} | fault)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)


def test_oddities_are_switched_on_and_off(own_world, mailer):
    own_world.switch("PUT", "/graph", {"empty_pages": True, "unknown_fields": True})
    assert mailer.http.get("/me/messages").json()["value"] == []
    assert "newlyInvented" in mailer.http.get("/me").json()
    own_world.switch("PUT", "/graph", {"empty_pages": False, "sent_copy_after": 1})
    assert mailer.http.get("/me/messages").json()["value"]
    draft = mailer.draft("Late")
    assert mailer.send(draft).status_code == 202
    assert "newlyInvented" in mailer.http.get(f"/me/messages/{draft}").json()
    own_world.switch("DELETE", "/graph")
    assert "newlyInvented" not in mailer.http.get("/me").json()
    for wrong in ({"empty_pages": 1}, {"sent_copy_after": -1}, {"moon": True}):
        assert own_world.http.put("/_tenant/graph", json=wrong).status_code == 400
