import pytest

from obo_cli.arguments import arguments_from
from obo_cli.outcome import CommandFailed, ExitCode

SCHEMA = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "limit": {"type": "integer"},
        "ratio": {"type": "number"},
        "unread": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "to": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "part": {"$ref": "#/$defs/Part"},
        "filter": {"type": "object"},
        "loose": {"type": ["string", "null"]},
    },
    "required": ["query"],
    "$defs": {"Part": {"type": "string", "enum": ["new", "full"]}},
}


def parsed(*words):
    return arguments_from(words, "mail_search", SCHEMA)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("limit=25", 25),
        ("limit=-1", -1),
        ("ratio=0.5", 0.5),
        ("unread=true", True),
        ("unread=False", False),
        ("unread=null", None),
        ("to=a", ["a"]),
        ('to=["a","b"]', ["a", "b"]),
        ("sizes=3", [3]),
        ("part=full", "full"),
        ('filter={"a": 1}', {"a": 1}),
        ("loose=x=y", "x=y"),
        ("loose=null", None),
    ],
)
def test_values_are_read_as_the_schema_says(word, value):
    assert parsed("query=x", word)[word.partition("=")[0]] == value


def test_text_that_looks_like_a_number_stays_text_where_text_is_wanted():
    assert parsed("query=42") == {"query": "42"}


def test_a_repeated_key_makes_an_array():
    assert parsed("query=x", "to=a", "to=b", "sizes=1", "sizes=2") == {
        "query": "x",
        "to": ["a", "b"],
        "sizes": [1, 2],
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["query"], "is not key=value"),
        (["=x"], "is not key=value"),
        (["query=x", "color=red"], "knows no argument 'color'. It knows: query, limit"),
        (["limit=3"], "needs query"),
        (["query=x", "query=y"], "query is given 2 times"),
        (["query=x", "limit=many"], "limit must be integer"),
        (["query=x", "unread=perhaps"], "unread must be boolean"),
        (["query=x", "sizes=[1"], "sizes must be an array in JSON"),
        (["query=x", "filter=[]"], "filter must be an object in JSON"),
    ],
)
def test_words_that_do_not_fit_are_refused_with_the_reason(words, said):
    with pytest.raises(CommandFailed, match=said.replace(".", r"\.")) as failure:
        parsed(*words)
    assert failure.value.code is ExitCode.USAGE


def test_a_schema_that_refers_to_itself_does_not_hang():
    schema = {"properties": {"a": {"$ref": "#/properties/a"}}}
    assert arguments_from(["a=1"], "loop", schema) == {"a": "1"}
