"""Events as lines of JSON."""

import json
import logging

import pytest

from obo_mcp.observe import AUDIT_LOGGER, JsonLines, record


@pytest.fixture
def lines(caplog):
    caplog.set_level("INFO")
    return lambda: [json.loads(JsonLines().format(item)) for item in caplog.records]


def test_an_event_is_one_object_with_its_fields(lines):
    record("keys", fields={"outcome": "fetched"})
    (line,) = lines()
    assert line["event"] == "keys"
    assert line["outcome"] == "fetched"
    assert line["logger"] == AUDIT_LOGGER
    assert line["level"] == "INFO"


def test_any_other_record_keeps_its_message(lines):
    logging.getLogger("elsewhere").warning("two\nlines of %s", "text")
    (line,) = lines()
    assert line["message"] == "two\nlines of text"


@pytest.mark.speaks("address of a person", "stands in the exception on purpose, to be left out")
def test_an_exception_is_named_by_type_and_place_and_its_text_left_out(lines):
    def fails():
        raise ValueError("adele@contoso.example")

    try:
        fails()
    except ValueError:
        logging.getLogger("elsewhere").exception("it failed")
    (line,) = lines()
    assert line["exception"] == "ValueError"
    assert "fails" in line["where"]
    assert "contoso" not in json.dumps(line)


def test_nothing_but_one_line_comes_out(caplog):
    caplog.set_level("INFO")
    record("x", fields={"reason": "a\nb"})
    assert "\n" not in JsonLines().format(caplog.records[0])
