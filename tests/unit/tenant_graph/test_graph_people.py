"""People: relevant ones, the directory, the address book."""

import pytest

SCOPES = "User.Read User.ReadBasic.All People.Read Contacts.Read Mail.Read"
EVENTUAL = {"ConsistencyLevel": "eventual"}


def listed(graph, path, **more):
    return graph.every(path, **({"scopes": SCOPES} | more))


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code, answer.text
    return answer.json()["error"]["message"]


# --- relevant people -----------------------------------------------------------------------------


def test_people_come_in_the_order_of_their_relevance(graph):
    people = listed(graph, "/me/people?$top=1000")
    scores = [each["scoredEmailAddresses"][0]["relevanceScore"] for each in people]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 10
    addresses = [each["scoredEmailAddresses"][0]["address"] for each in people]
    assert len(set(addresses)) == len(addresses) > 20
    assert "adele@contoso.example" not in addresses


@pytest.mark.parametrize("words", ["alex w", '"alex w"', "ALEX", '"alex"'])
def test_a_search_finds_everybody_of_a_name(graph, words):
    names = {each["displayName"] for each in listed(graph, f"/me/people?$search={words}")}
    assert {"Alex Wilber", "Alex Wolter"} <= names
    assert all(name.startswith("Alex") for name in names)


def test_a_person_is_found_by_an_address_too(graph):
    (found,) = listed(graph, '/me/people?$search="megan"&$select=displayName,scoredEmailAddresses')
    assert found.keys() == {"id", "displayName", "scoredEmailAddresses"}
    assert found["displayName"] == "Megan Bowen"


def test_people_are_filtered_by_their_kind(graph):
    query = "/me/people?$top=1000&$filter=personType/subclass eq 'OrganizationUser'"
    found = listed(graph, query)
    assert {each["companyName"] for each in found} == {"Contoso"}


def test_unknown_properties_of_people_are_refused(graph):
    for path in (
        "/me/people?$select=shoeSize",
        "/me/contacts?$select=shoeSize",
        "/users?$select=x",
    ):
        refused(graph.get(path, scopes=SCOPES), 400, "BadRequest")


# --- the directory -------------------------------------------------------------------------------


def test_the_directory_is_searched_by_name_or_address(graph):
    query = '/users?$search="displayName:alex" OR "mail:alex"&$count=true'
    answer = graph.get(query, scopes=SCOPES, **EVENTUAL).json()
    names = [each["displayName"] for each in answer["value"]]
    assert names == ["Alex Wilber", "Alex Wolter", "Alexandra Wiberg"]
    assert answer["@odata.count"] == 3
    both = '/users?$search="displayName:alex wil" AND "mail:alex"'
    assert len(listed(graph, both, ConsistencyLevel="eventual")) == 1
    last = '/users?$search="displayName:wilber"'
    assert len(listed(graph, last, ConsistencyLevel="eventual")) == 1


def test_a_search_of_the_directory_needs_its_header_on_every_page(graph):
    query = '/users?$search="displayName:a"&$top=2&$count=true'
    refused(graph.get(query, scopes=SCOPES), 400, "Request_UnsupportedQuery")
    first = graph.get(query, scopes=SCOPES, **EVENTUAL).json()
    refused(graph.get(first["@odata.nextLink"], scopes=SCOPES), 400, "Request_UnsupportedQuery")
    assert len(listed(graph, query, **EVENTUAL)) == first["@odata.count"] > 4


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("alex", "Request_BadRequest"),
        ('"alex"', "Request_BadRequest"),
        ('"displayName:alex" XOR "mail:x"', "Request_BadRequest"),
        ('"shoeSize:44"', "Request_UnsupportedQuery"),
        ('"displayName:a"b"', "Request_BadRequest"),
    ],
)
def test_a_search_that_the_directory_does_not_know_is_refused(graph, search, code):
    refused(graph.get(f"/users?$search={search}", scopes=SCOPES, **EVENTUAL), 400, code)


def test_the_directory_is_filtered_by_a_beginning(graph):
    found = listed(graph, "/users?$filter=startswith(displayName,'meg')&$select=id,mail")
    assert [each["mail"] for each in found] == ["megan@contoso.example"]
    assert found[0].keys() == {"id", "mail"}


def test_basic_permission_shows_of_others_only_their_names(graph):
    path = "/users/megan@contoso.example?$select=displayName,jobTitle"
    basic = graph.get(path, scopes="User.ReadBasic.All").json()
    assert (basic["displayName"], basic["jobTitle"]) == ("Megan Bowen", None)
    assert graph.get(path, scopes="User.Read.All").json()["jobTitle"] == "Auditor"
    refused(graph.get(path, scopes="User.Read"), 403, "Authorization_RequestDenied")
    refused(graph.get("/users", scopes="User.Read"), 403, "Authorization_RequestDenied")


def test_everybody_of_the_directory_is_found_under_their_id(graph):
    for each in listed(graph, "/users?$select=id,displayName"):
        shown = graph.get(f"/users/{each['id']}", scopes=SCOPES).json()
        assert shown["displayName"] == each["displayName"]


def test_the_companies_do_not_see_each_other(graph):
    nora = "7d2b90e5-14c6-4b8f-9a53-c0e81f6d3a72"
    theirs = listed(graph, "/users", who=nora)
    ours = listed(graph, "/users")
    assert not {each["id"] for each in theirs} & {each["id"] for each in ours}
    answer = graph.get(f"/users/{nora}", scopes=SCOPES)
    refused(answer, 404, "Request_ResourceNotFound")


# --- the address book ----------------------------------------------------------------------------


def test_contacts_are_filtered_and_paged(graph):
    everybody = listed(graph, "/me/contacts?$top=5")
    assert len(everybody) == len({each["id"] for each in everybody}) > 10
    found = listed(graph, "/me/contacts?$filter=startswith(displayName,'alex')")
    assert [each["displayName"] for each in found] == ["Alex Weber", "Alex Wilber"]
    page = graph.get("/me/contacts?$top=2&$skip=1&$select=displayName", scopes=SCOPES).json()
    assert [each["id"] for each in page["value"]] == [each["id"] for each in everybody[1:3]]
    assert page["value"][0].keys() == {"@odata.etag", "id", "displayName"}
    assert "$skip=3" in page["@odata.nextLink"]


def test_a_contact_is_found_by_an_address(graph):
    wanted = "emailAddresses/any(a:a/address eq 'Alex.Weber@woodgrove.example')"
    found = listed(graph, f"/me/contacts?$filter={wanted}")
    assert [each["displayName"] for each in found] == ["Alex Weber"]
    nobody = "emailAddresses/any(a:a/address eq 'alex@woodgrove.example')"
    assert listed(graph, f"/me/contacts?$filter={nobody}") == []
    other = "emailAddresses/any(a:b/address eq 'x')"
    answer = graph.get(f"/me/contacts?$filter={other}", scopes=SCOPES)
    refused(answer, 400, "ErrorInvalidUrlQueryFilter")


def test_contacts_are_found_under_either_id_by_their_owner_only(graph):
    (contact,) = listed(
        graph, "/me/contacts?$filter=displayName eq 'Alex Weber'", Prefer='IdType="ImmutableId"'
    )
    path = f"/me/contacts/{contact['id']}"
    shown = graph.get(path, scopes=SCOPES).json()
    assert shown["displayName"] == "Alex Weber"
    assert shown["id"] != contact["id"]
    refused(graph.get(path, who="megan", scopes=SCOPES), 404, "ErrorItemNotFound")
    refused(graph.get("/me/contacts/x", scopes=SCOPES), 400, "ErrorInvalidIdMalformed")


@pytest.mark.parametrize("path", ["/me/people", "/me/contacts"])
def test_people_ask_for_their_own_scope(graph, path):
    refused(graph.get(path, scopes="User.Read Mail.Read"), 403, "ErrorAccessDenied")


def test_a_synthetic_persons_people_are_few(graph):
    who = "11111111-2222-3333-4444-555555555555"
    assert len(listed(graph, "/me/contacts", who=who)) == 2


# --- oddities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/me/messages", "/me/mailFolders", "/me/people", "/users", "/me/contacts", "/me/calendars"],
)
def test_a_list_may_begin_with_an_empty_page(graph, path):
    usual = graph.every(f"{path}?$top=7", scopes=SCOPES + " Calendars.Read")
    graph.quirks.empty_pages = True
    first = graph.get(f"{path}?$top=7", scopes=SCOPES + " Calendars.Read").json()
    assert first["value"] == []
    assert graph.every(f"{path}?$top=7", scopes=SCOPES + " Calendars.Read") == usual


def test_unknown_properties_may_appear_everywhere(graph):
    graph.quirks.unknown_fields = True
    assert "newlyInvented" in graph.get("/me").json()
    assert "newlyInvented" in graph.get("/me/messages?$top=1&$select=id").json()["value"][0]
    graph.quirks.reset()
    assert "newlyInvented" not in graph.get("/me").text
