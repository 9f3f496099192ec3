"""A pytest plugin: nothing secret is logged, traced, answered or printed while a test runs.

Every logger speaks at DEBUG here, to us alone: what a test sees in `caplog`, and what is printed,
stays as it was. Records are taken with arguments, fields and traceback; spans come from
OpenTelemetry's own SDK. Others hand in what they see with `hear`, above all the answers of servers.

`watch` adds texts that are known to be secret; a signed token or a private key is known by its
shape. Text that a test says on purpose is excused with `@pytest.mark.speaks(kind, reason)`.
"""

import functools
import itertools
import logging
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

COVERED = ("unit/library", "unit/graph_server", "unit/clients", "integration", "contract", "chaos")
LOOK_AFTER = 20_000
"""No more texts than that are kept before they are looked through."""
AROUND = 80
ADDRESS = "address of a person"
STAND_IN = "token of a stand-in"
_SHAPES = (
    ("eyJ", "signed token", re.compile(r"eyJ[\w-]{6,}\.[\w-]{8,}\.[\w-]{16,}")),
    (
        "PRIVATE KEY-----",
        "private key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[\w+/=\s\\-]*"),
    ),
    ("token-of-", STAND_IN, re.compile(r"token-of-\w+")),
    ("assertion of ", STAND_IN, re.compile(r"\bassertion of \w+")),
    (" of ", STAND_IN, re.compile(r"token \d+ of \w+")),
    # not the user of a URL
    ("@", ADDRESS, re.compile(r"(?<![\w./-])[\w.-]+@[\w-]+(?:\.[\w-]+)*\.(?:example|test)\b")),
)
"""A text that such a secret always holds, its kind, and its shape."""
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TESTS = Path(__file__).parents[1]
_watched: dict[str, str] = {}
_heard: "deque[tuple[str, str]]" = deque()
_heard_in_all = itertools.count(1)
_excused: set[str] = set()
_early: list[str] = []
"""What was found before the end of a test, because so much was said."""


ANSWER, CONSOLE = "an answer", "what a program printed"
_MAY_NAME_PEOPLE = frozenset(
    {
        ANSWER,  # a tool answers with mail, and mail has addresses; refusals have another name
        CONSOLE,  # a program tells its own user who is signed in
        "the log of mcp.client.streamable_http",  # the tests' client repeats what it was answered
        "the log of sse_starlette.sse",  # and so does the server's side, at DEBUG
    }
)


def watch(kind: str, *texts: str) -> None:
    """From now on `texts` are secrets of that kind; very short ones would be found everywhere."""
    _watched.update({text: kind for text in texts if len(text) > 5})


def hear(where: str, text: str) -> None:
    """Take in what came out at `where`."""
    _heard.append((where, text))
    if next(_heard_in_all) % LOOK_AFTER == 0:
        _early.extend(leaks())


def canaries(text: str) -> Iterator[tuple[str, str]]:
    """Each secret in `text`, with its kind."""
    for mark, kind, shape in _SHAPES:
        if mark in text:  # much faster than the expression, and nearly always the end of it
            for found in shape.finditer(text):
                yield kind, found[0]
    for secret, kind in _watched.items():
        if secret in text:
            yield kind, secret


def masked(text: str) -> str:
    """`text` with the kind of each secret in its place."""
    for kind, secret in sorted(canaries(text), key=lambda found: -len(found[1])):
        text = text.replace(secret, f"<{kind}>")
    return text


def leaks() -> list[str]:
    """Look through what was heard until now, and forget it: a line for each kind and place."""
    texts = [_heard.popleft() for _ in range(len(_heard))]
    if not texts or _excused.issuperset(
        kind for kind, _ in canaries("\n".join(text for _, text in texts))
    ):
        return []
    found = {}
    for where, text in texts:
        for kind, secret in canaries(text):
            if kind not in _excused and not (kind == ADDRESS and where in _MAY_NAME_PEOPLE):
                found.setdefault((kind, where), _excerpt(text, secret))
    return [f"{kind} in {where}: {shown}" for (kind, where), shown in found.items()]


def _excerpt(text: str, secret: str) -> str:
    start = text.find(secret)
    end = start + len(secret)
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    return masked(f"...{before}{secret}{after}...")


# --- logs ----------------------------------------------------------------------------------------


def _written(record: logging.LogRecord) -> str:
    """Everything that some formatter could make of the record."""
    extra = {name: value for name, value in vars(record).items() if name not in _ORDINARY}
    parts = [record.getMessage(), repr(record.args) if record.args else "", repr(extra)]
    if record.exc_info and record.exc_info[0]:
        parts.append(logging.Formatter().formatException(record.exc_info))
    return "\n".join(parts)


_was_enabled = logging.Logger.isEnabledFor
_was_called = logging.Logger.callHandlers


def _is_enabled(logger, level):
    """Every logger is at DEBUG, except one that was switched off for good."""
    return not logger.disabled


def _call_handlers(logger, record):
    """We hear everything, the handlers what they would have heard without us."""
    hear(f"the log of {record.name}", _written(record))
    if _was_enabled(logger, record.levelno):
        _was_called(logger, record)


@contextmanager
def _loud():
    logging.Logger.isEnabledFor, logging.Logger.callHandlers = _is_enabled, _call_handlers
    try:
        yield
    finally:
        logging.Logger.isEnabledFor, logging.Logger.callHandlers = _was_enabled, _was_called


# --- spans ---------------------------------------------------------------------------------------


class _Spans(SpanExporter):
    def export(self, spans):
        for span in spans:
            events = [(event.name, dict(event.attributes or {})) for event in span.events]
            said = [span.name, dict(span.attributes or {}), events, span.status.description]
            hear("a span", repr(said))
        return SpanExportResult.SUCCESS


# --- answers -------------------------------------------------------------------------------------


def overheard(app):
    """An ASGI application whose every answer is heard."""

    async def listening(scope, receive, send):
        where, before = ANSWER, ""

        async def repeat(message):
            nonlocal where, before
            if message["type"] == "http.response.start":
                where = ANSWER if message["status"] < 400 else f"the answer {message['status']}"
                hear(where, repr(message.get("headers")))
            elif message["type"] == "http.response.body":
                text = message.get("body", b"").decode("utf-8", "replace")
                hear(where, before + text)
                before = text[-2000:]  # a token in two pieces is a token
            await send(message)

        await app(scope, receive, repeat)

    return listening


# --- pytest --------------------------------------------------------------------------------------


def pytest_configure(config):
    words = "speaks(kind, reason): the test says such a thing on purpose; the reason says why"
    config.addinivalue_line("markers", words)


def pytest_collection_finish(session):
    if any(map(_is_covered, session.items)):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(_Spans()))
        trace.set_tracer_provider(provider)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    _excused.clear()
    _excused.update(mark.args[0] for mark in item.iter_markers("speaks"))
    if not _is_covered(item):
        return (yield)
    with _loud():
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    return (yield from _checked(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    return (yield from _checked(item))


def _checked(item):
    try:
        result = yield
    except BaseException:  # one reason to fail is enough
        _heard.clear()
        _early.clear()
        raise
    _check(item)
    return result


def _check(item):
    if not _is_covered(item):
        _heard.clear()
        return
    found = [*_early, *leaks()]
    _early.clear()
    if found:
        pytest.fail("\n".join(["what must stay secret was said:", *found]), pytrace=False)


def _is_covered(item) -> bool:
    return _is_in_a_covered_folder(item.path)


@functools.cache
def _is_in_a_covered_folder(path) -> bool:
    inside = path.is_relative_to(_TESTS)
    return inside and path.relative_to(_TESTS).as_posix().startswith(COVERED)
