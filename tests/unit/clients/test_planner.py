import pytest

from obo_tenant.agent.bounded import Bounded
from obo_tenant.agent.planner import BadRequest, Step, first_step, reading_step

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z
TEXT = {"type": "string"}
SCHEMAS = {
    "whoami": {"properties": {}},
    "mail_search": {"properties": {"query": TEXT, "limit": {"type": "integer"}}},
    "mail_read": {"properties": {"message_id": TEXT}, "required": ["message_id"]},
    "files_search": {"properties": {"query": TEXT}, "required": ["query"]},
    "files_read": {"properties": {"item": TEXT}, "required": ["item"]},
    "calendar_view": {"properties": {"start": TEXT, "end": TEXT}, "required": ["start", "end"]},
}


def planned(question):
    return first_step(question, NOW, SCHEMAS)


@pytest.mark.parametrize(
    ("question", "step"),
    [
        ("Who am I?", Step(tool="whoami", arguments={})),
        ("any new mail?", Step(tool="mail_search", arguments={})),
        (
            "find the e-mail about the budget",
            Step(tool="mail_search", arguments={"query": "the budget"}),
        ),
        (
            'read the message "Q3 numbers"',
            Step(tool="mail_search", arguments={"query": "Q3 numbers"}, then_read="mail_read"),
        ),
        (
            "look for the document called plan and open it",
            Step(tool="files_search", arguments={"query": "plan"}, then_read="files_read"),
        ),
        (
            "what meetings do I have",
            Step(
                tool="calendar_view",
                arguments={"start": "2026-09-21T14:13:20Z", "end": "2026-09-28T14:13:20Z"},
            ),
        ),
        (
            '{"tool": "anything", "arguments": {"a": 1}}',
            Step(tool="anything", arguments={"a": 1}),
        ),
    ],
)
def test_requests_become_tool_calls(question, step):
    assert planned(question) == step


def test_a_request_about_nothing_we_know_plans_nothing():
    assert planned("write me a poem") is None


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '{"tool": 3}', '{"tool": "x", "arguments": []}'])
def test_json_of_the_wrong_shape_is_refused(text):
    with pytest.raises(BadRequest):
        planned(text)


def test_very_deep_json_is_refused_and_not_followed():
    with pytest.raises(BadRequest):
        planned('{"a":' * 100_000)


def test_the_first_hit_is_read_by_the_argument_its_reader_requires():
    found = {"items": [{"id": "m1"}, {"id": "m2"}], "next": "c"}
    assert reading_step("mail_read", SCHEMAS["mail_read"], found) == Step(
        tool="mail_read", arguments={"message_id": "m1"}
    )
    found = {"result": [{"ref": "drive:1", "name": "a"}]}
    assert reading_step("files_read", SCHEMAS["files_read"], found) == Step(
        tool="files_read", arguments={"item": "drive:1"}
    )


@pytest.mark.parametrize("found", [None, "text", {"items": []}, {"items": ["x"]}, {"items": [{}]}])
def test_without_a_hit_nothing_is_read(found):
    assert reading_step("mail_read", SCHEMAS["mail_read"], found) is None


def test_a_bounded_store_forgets_the_entry_written_longest_ago():
    store = Bounded(2)
    for key in ("a", "b", "a", "c"):
        store.put(key, key)
    assert [store.get(key) for key in ("a", "b", "c")] == ["a", None, "c"]
    assert (store.take("a"), store.take("a"), len(store)) == ("a", None, 1)
