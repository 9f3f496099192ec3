"""Tokens, scopes, whose data, unknown paths: what is decided before anything is read."""

import base64
import json
import uuid

import pytest
from starlette.responses import JSONResponse

from obo_tenant.graph.errors import ClaimsChallenge
from obo_tenant.people import PEOPLE

ADELE, MEGAN = PEOPLE[0], PEOPLE[1]


def code(answer):
    return answer.json()["error"]["code"]


def test_me_is_the_person_of_the_token(graph):
    shown = graph.get("/me").json()
    assert shown["id"] == ADELE.oid
    assert shown["userPrincipalName"] == ADELE.user_principal_name
    assert graph.get("/me", who="megan").json()["displayName"] == "Megan Bowen"


def test_selected_properties_only_are_shown(graph):
    shown = graph.get("/me?$select=id,jobTitle").json()
    assert set(shown) == {"@odata.context", "id", "jobTitle"}


def test_mailbox_settings_show_the_time_zone_and_the_automatic_reply(graph):
    shown = graph.get("/me/mailboxSettings", who="lynne").json()
    assert shown["timeZone"] == "Tokyo Standard Time"
    assert shown["workingHours"]["timeZone"]["name"] == "Tokyo Standard Time"
    assert shown["automaticRepliesSetting"]["status"] == "alwaysEnabled"


def test_missing_token_gets_the_challenge_of_the_gateway(graph):
    answer = graph.client.get("/v1.0/me")
    assert answer.status_code == 401
    assert code(answer) == "InvalidAuthenticationToken"
    assert 'client_id="00000003-0000-0000-c000-000000000000"' in answer.headers["WWW-Authenticate"]


def test_refused_token_is_answered_with_the_words_of_the_check(graph):
    answer = graph.client.get("/v1.0/me", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "IDX14100: JWT is not well formed."
    assert "error=" not in answer.headers["WWW-Authenticate"]


def test_claims_challenge_is_passed_on_in_base64(make_graph):
    wanted = '{"access_token":{"nbf":{"essential":true,"value":"1795000001"}}}'

    def check(_token):
        raise ClaimsChallenge("Continuous access evaluation resulted in challenge.", wanted)

    answer = make_graph(check).get("/v1.0/me", headers={"Authorization": "Bearer x"})
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    encoded = challenge.partition('claims="')[2].rstrip('"')
    assert base64.b64decode(encoded).decode() == wanted


def test_token_without_a_person_is_refused(graph):
    answer = graph.get("/me", scopes="")
    assert answer.status_code == 400
    assert "delegated" in answer.json()["error"]["message"]


def test_every_answer_names_the_request_and_echoes_the_callers_name(graph):
    given = str(uuid.uuid4())
    for path in ("/me", "/me/messages/nonsense"):
        answer = graph.get(path, client_request_id=given)
        assert answer.headers["client-request-id"] == given
        uuid.UUID(answer.headers["request-id"])
        assert answer.headers["Date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]
    assert inner["client-request-id"] == given
    assert inner["date"] == "2026-11-18T11:06:40"


def test_unprintable_client_request_id_is_replaced(graph):
    answer = graph.get("/me", client_request_id="a b<script>")
    assert answer.headers["client-request-id"] == answer.headers["request-id"]


WINDOW = "startDateTime=2026-11-01&endDateTime=2026-12-01"
SCOPES = [
    ("/me", "User.Read", "Mail.Read", "Authorization_RequestDenied"),
    ("/me/mailboxSettings", "MailboxSettings.Read", "Mail.Read", "ErrorAccessDenied"),
    ("/me/mailFolders", "Mail.ReadBasic", "User.Read", "ErrorAccessDenied"),
    ("/me/messages", "Mail.ReadWrite", "Mail.Send", "ErrorAccessDenied"),
    ("/me/mailFolders/inbox/messages", "Mail.Read", "Calendars.Read", "ErrorAccessDenied"),
    (f"/me/calendarView?{WINDOW}", "Calendars.ReadBasic", "Mail.Read", "ErrorAccessDenied"),
    (f"/me/calendarView?{WINDOW}", "Calendars.ReadWrite", "User.Read", "ErrorAccessDenied"),
    ("/me/drive", "Files.Read", "Sites.Manage.All", "accessDenied"),
    ("/me/drive/root/children", "Files.ReadWrite.All", "Mail.Read", "accessDenied"),
    ("/me/drive/root/search(q='plan')", "Sites.Read.All", "User.Read", "accessDenied"),
]


@pytest.mark.parametrize(("path", "enough", "other", "refusal"), SCOPES)
def test_each_route_asks_for_its_scope(graph, path, enough, other, refusal):
    assert graph.get(path, scopes=enough).status_code == 200
    answer = graph.get(path, scopes=other)
    assert (answer.status_code, code(answer)) == (403, refusal)


def test_attachments_and_search_need_more_than_basic_mail(graph):
    mail = graph.get("/me/messages?$filter=hasAttachments eq true&$top=1").json()["value"][0]
    for path in (
        f"/me/messages/{mail['id']}/attachments",
        '/me/messages?$search="plan"',
        "/me/messages?$expand=attachments",
    ):
        assert graph.get(path, scopes="Mail.Read").status_code == 200
        assert code(graph.get(path, scopes="Mail.ReadBasic")) == "ErrorAccessDenied"


def test_basic_scopes_show_no_bodies(graph):
    mail = graph.get("/me/messages?$top=1", scopes="Mail.ReadBasic").json()["value"][0]
    event = graph.get(f"/me/calendarView?{WINDOW}", scopes="Calendars.ReadBasic").json()["value"][0]
    for shown in (mail, event):
        assert not {"body", "bodyPreview", "uniqueBody"} & set(shown)
        assert shown["subject"] is not None


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("message", "Mail.Read"), ("event", "Calendars.Read"), ("driveItem", "Files.Read.All")],
)
def test_search_asks_for_the_scope_of_what_is_searched(graph, kind, scope):
    body = {"requests": [{"entityTypes": [kind], "query": {"queryString": "plan"}}]}
    assert graph.post("/search/query", body, scopes=scope).status_code == 200
    answer = graph.post("/search/query", body, scopes="User.Read Files.Read")
    assert (answer.status_code, code(answer)) == (403, "Forbidden")
    assert "Files.Read, User.Read" in answer.json()["error"]["message"]


def test_own_id_and_own_name_are_aliases_of_me(graph):
    for name in (ADELE.oid, ADELE.oid.upper(), ADELE.user_principal_name):
        assert graph.get(f"/users/{name}").json()["id"] == ADELE.oid
        assert graph.get(f"/Users/{name}/MESSAGES?$top=1").status_code == 200


@pytest.mark.parametrize(
    ("tail", "refusal", "unknown"),
    [
        ("", "Authorization_RequestDenied", "Request_ResourceNotFound"),
        ("/messages", "ErrorAccessDenied", "ErrorInvalidUser"),
        (f"/calendarView?{WINDOW}", "ErrorAccessDenied", "ErrorInvalidUser"),
        ("/drive/root/children", "accessDenied", "itemNotFound"),
    ],
)
def test_nobody_reads_as_somebody_else(graph, tail, refusal, unknown):
    for name in (MEGAN.oid, MEGAN.user_principal_name):
        answer = graph.get(f"/users/{name}{tail}")
        assert (answer.status_code, code(answer)) == (403, refusal)
    answer = graph.get(f"/users/nobody@contoso.example{tail}")
    assert (answer.status_code, code(answer)) == (404, unknown)


def test_unknown_path_names_the_segment(graph):
    answer = graph.get("/me/wardrobe")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'wardrobe'."


def test_verbs_that_a_path_does_not_have_are_refused(graph):
    answer = graph.client.delete("/v1.0/me/messages", headers=graph.headers())
    assert answer.status_code == 405


def test_request_log_has_facts_but_no_tokens_names_or_queries(graph):
    graph.get('/me/messages?$search="secret plan"')
    graph.get(f"/users/{ADELE.user_principal_name}/messages?$filter=subject eq 'x'")
    graph.get("/me/drive/root/search(q='salary')")
    graph.get("/me/drive/root:/Notes/Empty.txt:")
    graph.get("/me/messages/nonsense")
    first, last = graph.log[0], graph.log[-1]
    assert first["where"] == "graph"
    assert first["path"] == "/v1.0/me/messages"
    assert (first["status"], first["error"]) == (200, None)
    assert (first["person"], first["client_id"]) == (ADELE.oid, "app-1")
    assert "Mail.Read" in first["scope"].split()
    assert (last["status"], last["error"]) == (400, "ErrorInvalidIdMalformed")
    text = json.dumps(graph.log)
    for private in ("secret", "subject", "salary", "Empty.txt", "@", graph.bearer()):
        assert private not in text


def test_injected_fault_is_sent_instead_of_the_answer(graph):
    asked = []

    async def fault(oid):
        asked.append(oid)
        return JSONResponse({"error": {"code": "x"}}, 503, {"Retry-After": "7"})

    graph.faults.append(fault)
    answer = graph.get("/me")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert "request-id" in answer.headers
    assert asked == [ADELE.oid]
    assert graph.get("/me").status_code == 200


def test_synthetic_person_has_a_small_mailbox_of_their_own(graph):
    oid = "11111111-2222-3333-4444-555555555555"
    assert graph.get("/me", who=oid).json()["id"] == oid
    mine = graph.every("/me/messages", who=oid)
    assert len(mine) == 15
    other = graph.every("/me/messages", who="99999999-2222-3333-4444-555555555555")
    assert not {mail["id"] for mail in mine} & {mail["id"] for mail in other}
    files = graph.every("/me/drive/root/search(q='')", who=oid)
    assert sum("file" in each for each in files) == 5


def test_dropped_synthetic_person_comes_back_the_same(make_store):
    store, made = make_store(limit=2)
    first = store.of("person-1").mailbox.messages[0].ids
    store.of("person-2")
    store.of("person-3")
    assert store.of("person-1").mailbox.messages[0].ids == first
    assert made == ["person-1", "person-2", "person-3", "person-1"]


@pytest.mark.parametrize("header", ["a" * 5000, " ," * 3000, 'a="' + "\\x" * 3000])
def test_an_endless_preference_is_refused(graph, header):
    answer = graph.get("/me", Prefer=header)
    assert (answer.status_code, "Prefer" in answer.text) == (400, True)


@pytest.mark.parametrize("junk", ["", ",,;=,", 'a="b', "=x", "   ;", "a" * 3000, '" , "'])
def test_odd_preferences_hide_no_sound_one(graph, junk):
    prefer = f'IdType="ImmutableId", {junk}'
    applied = graph.get("/me/messages?$top=1", Prefer=prefer).headers["Preference-Applied"]
    assert applied == 'IdType="ImmutableId"'


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/me/messages/AAMk-private", "/v1.0/me/messages/{message}"),
        ("/users/someone@private.example/messages", "/v1.0/users/{user}/messages"),
        ("/users/someone@private.example", "/v1.0/users/{user}"),
        ("/users/someone@private.example/private", "/v1.0/users/..."),
        ("/me/people/someone@private.example", "/v1.0/me/..."),
        ("/someone@private.example", "/v1.0/..."),
        ("/me/drive/search(q='private')", "/v1.0/me/drive/search()/{words}"),
        ("/sites/root/search(q='private')", "/v1.0/sites/..."),
        ("/me/drive/root:/private/plan.txt:", "/v1.0/me/drive/root/:/{path}"),
    ],
)
def test_the_log_shows_which_path_it_was_and_no_word_of_the_callers(graph, path, logged):
    graph.get(path)
    assert graph.log[-1]["path"] == logged


@pytest.mark.parametrize(
    "body",
    [
        '{"requests":[{"entityTypes":["message"],"query":{"queryString":"\\ud800"}}]}',
        '{"requests":[{"entityTypes":["\\ud800"],"query":{"queryString":"x"}}]}',
        '{"requests":[{"entityTypes":["message"],"query":{"queryString":"x"},"size":NaN}]}',
        "[" * 100_000,
    ],
    ids=["half a surrogate", "in the type", "no number", "bottomless"],
)
def test_a_search_that_no_answer_could_repeat_is_refused(graph, body):
    answer = graph.client.post("/v1.0/search/query", content=body, headers=graph.headers())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
