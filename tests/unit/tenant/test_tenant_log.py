"""What gets into the log: facts that the directory knows, never a stranger's text."""

import base64
import json

import pytest

ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PRIVATE = "very-private-"


def unsigned(oid):
    payload = base64.urlsafe_b64encode(json.dumps({"oid": oid}).encode()).decode().rstrip("=")
    return f"e30.{payload}.x"


def test_a_strangers_text_stays_out_of_the_log(own_world):
    text = PRIVATE * 1000
    own_world.post_token(
        client_id=text, client_secret=text, grant_type=text, assertion=unsigned(text)
    )
    own_world.post_token(grant_type=ASSERTION, assertion=unsigned(text))
    first, second = own_world.log()
    assert (first["client_id"], first["client_name"]) == ("unknown", None)
    assert first["grant"] == "unknown"
    assert first["person"] == second["person"] == "unknown"
    assert second["client_name"] == "mcp-server"
    assert PRIVATE not in json.dumps([first, second])


def test_known_people_and_clients_are_named_even_when_refused(own_world):
    oid = own_world.people["megan"]["oid"]
    client_id = own_world.apps["mcp-server"]["client_id"]
    own_world.post_token(client_id=client_id.upper(), grant_type=ASSERTION, assertion=unsigned(oid))
    (entry,) = own_world.log()
    assert (entry["person"], entry["client_id"]) == ("megan", client_id)


def test_every_text_of_an_entry_is_bounded(own_world):
    own_world.http.get(f"/{'x' * 5000}/discovery/v2.0/keys")
    record = {"path": "p" * 9999, "error": "e" * 9999, "scope": "s" * 9999, "actor": "a" * 9999}
    own_world.local.tenant.record(where="graph", **record)
    for entry in own_world.log():
        assert all(len(value) <= 4096 for value in entry.values() if isinstance(value, str))
        assert len(entry["path"]) <= 256


@pytest.mark.parametrize("status", [429, 503])
def test_the_grant_is_logged_even_when_a_fault_answered(own_world, status):
    own_world.switch("PUT", "/faults", {"where": "token", "status": status})
    own_world.obo()
    entry = own_world.log()[-1]
    assert (entry["grant"], entry["status"], entry["error"]) == ("on_behalf_of", status, "fault")


def test_a_fault_can_add_headers_to_graphs_own_answers(own_world):
    fault = {"where": "graph", "status": 200, "headers": {"Retry-After": "9"}, "count": 2}
    own_world.switch("PUT", "/faults", fault)
    bearer = {"authorization": f"Bearer {own_world.mint('graph', scopes=['User.Read'])}"}
    paths = ("/v1.0/me", "/v1.0/me/messages", "/v1.0/me")
    answers = [own_world.http.get(path, headers=bearer) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 403, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["9", "9", None]
    assert answers[0].json()["displayName"] == "Adele Vance"


def test_entra_and_graph_call_a_synthetic_person_the_same(own_world):
    order = {"count": 1, "resource": "graph", "scopes": ["User.Read"]}
    (token,) = own_world.switch("POST", "/people", order)["access_tokens"]
    claims = own_world.claims(token)
    bearer = {"authorization": f"Bearer {token}"}
    person = own_world.http.get("/v1.0/me", headers=bearer).json()
    assert person["id"] == claims["oid"]
    assert person["displayName"] == claims["name"]
    assert person["userPrincipalName"] == claims["upn"]
    assert (person["givenName"], person["surname"]) == (
        claims["given_name"],
        claims["family_name"],
    )
    seen = [entry["person"] for entry in own_world.log() if entry["where"] == "graph"]
    assert seen == [claims["upn"].partition("@")[0]]
