"""Messages and folders: paging, filter, search, preferences, ids."""

from datetime import datetime
from urllib.parse import quote

import pytest

from obo_tenant.graph.odata.filters import parse_moment


def refused(answer, code, status=400):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code, answer.text
    return answer.json()["error"]["message"]


def mails(graph, query, **more):
    return graph.every(f"/me/messages?{query}", **more)


def filtered(graph, text):
    return mails(graph, f"$top=1000&$filter={quote(text)}")


def found(graph, kql):
    return mails(graph, f"$top=1000&$search={quote(kql)}")


@pytest.fixture(scope="module")
def everything(shared_graph):
    return mails(shared_graph, "$top=1000")


@pytest.mark.parametrize("top", [7, 100, 299, 300, 301])
def test_paging_to_the_end_shows_every_mail_once(graph, everything, top):
    seen = [mail["id"] for mail in mails(graph, f"$top={top}&$select=subject")]
    assert seen == [mail["id"] for mail in everything]
    assert len(set(seen)) == len(seen) == 300


def test_page_is_ten_unless_asked_and_links_are_absolute(graph):
    answer = graph.get("/me/messages?$select=subject&$count=true").json()
    assert len(answer["value"]) == 10
    assert answer["@odata.count"] == 300
    assert answer["@odata.nextLink"].startswith("https://graph.test/v1.0/me/messages?")
    assert "$select=subject" in answer["@odata.nextLink"]
    assert answer["@odata.context"].endswith("/messages(subject)")


def test_maximum_page_size_preference_is_honoured_below_top(graph):
    answer = graph.get("/me/messages", Prefer="odata.maxpagesize=3")
    assert len(answer.json()["value"]) == 3


def test_newest_mail_comes_first_unless_ordered(graph, everything):
    times = [mail["receivedDateTime"] for mail in everything]
    assert times == sorted(times, reverse=True)
    asked = mails(graph, "$orderby=subject,receivedDateTime&$top=1000")
    keys = [(mail["subject"].casefold(), mail["receivedDateTime"]) for mail in asked]
    assert keys == sorted(keys)


def test_selected_mail_has_id_and_etag_and_nothing_else_unasked(graph):
    mail = graph.get("/me/messages?$top=1&$select=subject,isRead").json()["value"][0]
    assert set(mail) == {"@odata.etag", "id", "subject", "isRead"}


def test_unique_body_comes_only_on_request_and_without_history(graph, everything):
    reply = next(each for each in everything if "divRplyFwdMsg" in each["body"]["content"])
    assert "uniqueBody" not in reply
    shown = graph.get(f"/me/messages/{reply['id']}?$select=body,uniqueBody").json()
    assert "divRplyFwdMsg" not in shown["uniqueBody"]["content"]
    assert len(shown["uniqueBody"]["content"]) < len(shown["body"]["content"])


CASES = [
    ("isRead eq false", lambda m: not m["isRead"]),
    ("not isRead", lambda m: not m["isRead"]),
    ("hasAttachments eq true and isRead eq true", lambda m: m["hasAttachments"] and m["isRead"]),
    ("importance eq 'HIGH'", lambda m: m["importance"] == "high"),
    ("startswith(subject,'re: ')", lambda m: m["subject"].lower().startswith("re: ")),
    (
        "contains(subject,'delivery') or contains(subject, 'offer')",
        lambda m: "delivery" in m["subject"].lower() or "offer" in m["subject"].lower(),
    ),
    (
        "not (isRead eq true or importance ne 'normal')",
        lambda m: not (m["isRead"] or m["importance"] != "normal"),
    ),
    (
        "isRead eq false or isRead eq true and importance eq 'high'",
        lambda m: not m["isRead"] or m["importance"] == "high",
    ),
    (
        "from/emailAddress/address eq 'expenses@contoso.example'",
        lambda m: m["from"]["emailAddress"]["address"] == "expenses@contoso.example",
    ),
    (
        "receivedDateTime ge 2026-10-01T00:00:00Z and receivedDateTime lt 2026-11-01",
        lambda m: "2026-10" in m["receivedDateTime"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[case[0] for case in CASES])
def test_filter_means_what_it_says(graph, everything, text, expected):
    wanted = [mail["id"] for mail in everything if expected(mail)]
    assert 0 < len(wanted) < 300
    assert [mail["id"] for mail in filtered(graph, text)] == wanted


def test_filter_by_conversation_gives_the_whole_thread(graph, everything):
    reply = next(mail for mail in everything if mail["subject"].startswith("RE: Numbers"))
    thread = filtered(graph, f"conversationId eq '{reply['conversationId']}'")
    assert len(thread) >= 2
    assert {mail["subject"].removeprefix("RE: ") for mail in thread} == {reply["subject"][4:]}


def test_edges_of_a_time_filter_belong_to_ge_and_le_only(graph, everything):
    edge = everything[5]["receivedDateTime"]
    ids = {
        sign: {mail["id"] for mail in filtered(graph, f"receivedDateTime {sign} {edge}")}
        for sign in ("ge", "gt", "le", "lt", "eq")
    }
    assert ids["ge"] - ids["gt"] == ids["eq"] == ids["le"] - ids["lt"]
    assert everything[5]["id"] in ids["eq"]


def test_quote_in_a_string_is_written_twice(graph):
    assert filtered(graph, "subject eq 'it''s not there'") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("subject eq", "BadRequest"),
        ("(isRead eq true", "BadRequest"),
        ("subject eq 'open", "BadRequest"),
        ("isRead eq true)", "BadRequest"),
        ("wardrobe eq 'x'", "BadRequest"),
        ("isRead eq 'true'", "BadRequest"),
        ("receivedDateTime ge '2026-11-01'", "BadRequest"),
        ("receivedDateTime ge 2026-13-45", "BadRequest"),
        ("isRead gt true", "BadRequest"),
        ("startswith(isRead,'x')", "BadRequest"),
        ("", "BadRequest"),
        ("(" * 5000 + "isRead" + ")" * 5000, "BadRequest"),
        ("categories/any(c:c eq 'x')", "ErrorInvalidUrlQueryFilter"),
        ("tolower(subject) eq 'x'", "ErrorInvalidUrlQueryFilter"),
        ("'x' eq subject", "ErrorInvalidUrlQueryFilter"),
    ],
)
def test_filter_that_means_nothing_is_refused(graph, text, code):
    refused(graph.get(f"/me/messages?$filter={quote(text)}"), code)


def test_sorting_a_filtered_list_needs_the_property_first_in_the_filter(graph):
    path = "/me/messages?$orderby=receivedDateTime desc&$filter="
    good = "receivedDateTime ge 2026-01-01 and isRead eq false"
    assert graph.get(path + good).status_code == 200
    for bad in ("isRead eq false", "isRead eq false and receivedDateTime ge 2026-01-01"):
        refused(graph.get(path + bad), "InefficientFilter")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('$search="plan"&$orderby=subject', "SearchWithOrderBy"),
        ('$search="plan"&$filter=isRead eq true', "SearchWithFilter"),
        ("$search=from:adele", "BadRequest"),
        ('$search=""', "BadRequest"),
        ('$search="a "b" c"', "BadRequest"),
        ('$search="(plan"', "BadRequest"),
        ('$search="plan AND"', "BadRequest"),
        ('$search="received>=soon"', "BadRequest"),
        ('$search="received>=9999-12-31"', "BadRequest"),
        ("$top=0", "BadRequest"),
        ("$top=1001", "BadRequest"),
        ("$top=ten", "BadRequest"),
        ("$skip=-1", "BadRequest"),
        ("$skiptoken=abc", "BadRequest"),
        ("$skiptoken=%C3%A9", "BadRequest"),
        ("$top=1&$top=2", "BadRequest"),
        ("$wardrobe=1", "BadRequest"),
        ("$count=maybe", "BadRequest"),
        ("$select=wardrobe", "BadRequest"),
        ("$select=subject,", "BadRequest"),
        ("$expand=wardrobe", "BadRequest"),
        ("$orderby=wardrobe", "BadRequest"),
        ("$orderby=subject sideways", "BadRequest"),
    ],
)
def test_wrong_query_options_are_refused(graph, query, code):
    refused(graph.get(f"/me/messages?{query}"), code)


def test_search_finds_words_phrases_and_beginnings(graph, everything):
    word = found(graph, '"wall lamps"')
    assert 0 < len(word) < 300
    phrase = found(graph, r'"\"wall lamps\""')
    assert {mail["id"] for mail in phrase} <= {mail["id"] for mail in word}
    assert found(graph, '"wal"') == []
    assert len(found(graph, '"wal*"')) >= len(phrase)


def test_search_by_person_subject_time_and_attachment(graph, everything):
    for mail in found(graph, '"from:fabrikam"'):
        assert "fabrikam" in str(mail["from"]).lower()
    for mail in found(graph, '"subject:delivery AND to:adele"'):
        assert "delivery" in mail["subject"].lower()
    late = found(graph, '"received>=2026-11-01 hasAttachments:true"')
    expected = [
        mail["id"]
        for mail in everything
        if mail["receivedDateTime"] >= "2026-11-01" and mail["hasAttachments"]
    ]
    assert [mail["id"] for mail in late] == expected != []


def test_search_joins_with_and_or_not_and_parentheses(graph):
    ids = {
        text: {mail["id"] for mail in found(graph, f'"{text}"')}
        for text in (
            "offer",
            "porto",
            "offer porto",
            "offer AND porto",
            "offer OR porto",
            "offer NOT porto",
            "NOT (offer OR porto)",
        )
    }
    assert ids["offer porto"] == ids["offer AND porto"] == ids["offer"] & ids["porto"]
    assert ids["offer OR porto"] == ids["offer"] | ids["porto"]
    assert ids["offer NOT porto"] == ids["offer"] - ids["porto"]
    assert len(ids["NOT (offer OR porto)"]) == 300 - len(ids["offer OR porto"])


def test_search_pages_with_an_opaque_token(graph):
    first = graph.get('/me/messages?$search="re"&$top=5').json()
    assert "$skiptoken=" in first["@odata.nextLink"]
    assert "$skip=" not in first["@odata.nextLink"]
    paged = [mail["id"] for mail in mails(graph, '$search="re"&$top=5')]
    assert paged == [mail["id"] for mail in mails(graph, '$search="re"&$top=1000')]


def test_folders_hold_all_mail_between_them(graph, everything):
    folders = graph.every("/me/mailFolders?$top=3")
    tree = list(folders)
    for folder in folders:
        below = graph.every(f"/me/mailFolders/{folder['id']}/childFolders?$top=2")
        assert len(below) == folder["childFolderCount"]
        tree += below
    assert not any(folder["isHidden"] for folder in tree)
    known = {folder["id"] for folder in tree}
    (chat,) = [mail for mail in everything if mail["parentFolderId"] not in known]
    hidden = graph.get(f"/me/mailFolders/{chat['parentFolderId']}").json()
    assert hidden["isHidden"]
    tree.append(hidden)
    assert sum(folder["totalItemCount"] for folder in tree) == 300
    unread = sum(folder["unreadItemCount"] for folder in tree)
    assert unread == sum(not mail["isRead"] for mail in everything)


def test_well_known_folder_names_work_in_any_case(graph):
    inbox = graph.get("/me/mailFolders/Inbox").json()
    assert inbox["displayName"] == "Inbox"
    listed = graph.every("/me/mailFolders/INBOX/messages?$top=50&$select=parentFolderId")
    assert len(listed) == inbox["totalItemCount"]
    assert {mail["parentFolderId"] for mail in listed} == {inbox["id"]}
    count = graph.get("/me/mailFolders/inbox/messages/$count")
    assert count.text == str(inbox["totalItemCount"])


def test_folder_can_be_found_by_name(graph):
    (folder,) = graph.every("/me/mailFolders?$filter=displayName eq 'suppliers'")
    (below,) = graph.every(f"/me/mailFolders/{folder['id']}/childFolders")
    assert below["displayName"] == "Fabrikam"


def test_malformed_ids_and_unknown_ids_are_told_apart(graph, everything):
    good = everything[0]["id"]
    other = ("B" if good[60] != "B" else "C").join((good[:60], good[61:]))
    for path in (
        "/me/messages/{}",
        "/me/mailFolders/{}",
        "/me/mailFolders/{}/messages",
        "/me/messages/{}/attachments",
        "/me/events/{}",
        "/me/calendars/{}",
    ):
        refused(graph.get(path.format("nonsense")), "ErrorInvalidIdMalformed")
        refused(graph.get(path.format(other)), "ErrorItemNotFound", 404)


def test_both_kinds_of_ids_are_accepted_and_the_preference_is_echoed(graph, everything):
    plain = graph.get("/me/messages?$top=1")
    assert "Preference-Applied" not in plain.headers
    answer = graph.get("/me/messages?$top=1", Prefer='IdType="ImmutableId"')
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    lasting = answer.json()["value"][0]["id"]
    usual = everything[0]["id"]
    assert len(lasting) == 68
    assert len(usual) == 152
    assert graph.get(f"/me/messages/{lasting}").json()["id"] == usual
    again = graph.get(f"/me/messages/{usual}", Prefer="idtype=ImmutableId")
    assert again.json()["id"] == lasting


def test_several_preferences_in_one_header_are_all_applied(graph, everything):
    marked = next(mail for mail in everything if mail["body"]["contentType"] == "html")
    prefer = (
        'outlook.timezone="Tokyo Standard Time", x=",", '
        'outlook.body-content-type="text",IdType="ImmutableId"'
    )
    answer = graph.get(f"/me/messages/{marked['id']}", Prefer=prefer)
    assert answer.json()["body"]["contentType"] == "text"
    assert "<p>" not in answer.json()["body"]["content"]
    applied = answer.headers["Preference-Applied"]
    assert applied == (
        'outlook.body-content-type="text", IdType="ImmutableId", '
        'outlook.timezone="Tokyo Standard Time"'
    )


def test_attachments_come_with_their_bytes(graph, everything):
    marked = next(mail for mail in everything if mail["hasAttachments"])
    (shown,) = graph.get(f"/me/messages/{marked['id']}/attachments").json()["value"]
    assert shown["@odata.type"] == "#microsoft.graph.fileAttachment"
    value = graph.get(f"/me/messages/{marked['id']}/attachments/{shown['id']}/$value")
    assert len(value.content) == shown["size"] > 0
    (brief,) = graph.get(f"/me/messages/{marked['id']}/attachments?$select=name,size").json()[
        "value"
    ]
    assert "contentBytes" not in brief
    expanded = graph.get(f"/me/messages/{marked['id']}?$expand=attachments").json()
    assert expanded["attachments"] == [shown]
    few = "attachments($select=name,size)"
    expanded = graph.get(f"/me/messages/{marked['id']}?$select=subject&$expand={few}").json()
    (inside,) = expanded["attachments"]
    assert inside.keys() == {"@odata.type", "id", "name", "size"}
    wrong = graph.get(f"/me/messages/{marked['id']}?$expand=attachments($select=name,colour)")
    refused(wrong, "BadRequest")


def test_mailbox_is_varied_and_has_the_hostile_mail(graph, everything):
    assert len({mail["subject"] for mail in everything}) > 120
    assert {mail["importance"] for mail in everything} == {"low", "normal", "high"}
    assert 5 < sum(not mail["isRead"] for mail in everything) < 80
    assert max(len(mail["body"]["content"]) for mail in everything) > 200_000
    assert any("\U000e0049" in mail["body"]["content"] for mail in everything)
    assert any("display:none" in mail["body"]["content"] for mail in everything)
    assert max(len(mail["toRecipients"]) for mail in everything) == 1001
    (chat,) = [mail for mail in everything if not mail["toRecipients"]]
    assert chat["from"]["emailAddress"]["address"] == ""
    for mail in everything:
        if mail is chat:
            continue
        for place in [mail["from"], *mail["toRecipients"], *mail["ccRecipients"]]:
            domain = place["emailAddress"]["address"].rpartition("@")[2]
            assert domain in ("contoso.example", "fabrikam.example")


def test_nothing_was_received_after_the_start(graph, everything):
    assert max(mail["receivedDateTime"] for mail in everything) < "2026-11-18T11:06:40Z"


def test_filter_literals_without_offset_are_utc():
    assert parse_moment("2026-11-01") == datetime.fromisoformat("2026-11-01T00:00:00+00:00")
    assert parse_moment("2026-11-01T10:00:00.1234567Z").microsecond == 123456
    assert parse_moment("soon") is None
