"""KQL, the language of `$search` and of `/search/query`: words, phrases, properties, AND OR NOT.

Matching is by whole words without regard to case; `word*` matches a beginning. A property that the
searched kind of thing does not have is read as plain words, as Exchange does.
Sources: Graph "Use the $search query parameter", "Keyword Query Language syntax reference".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from obo_tenant.graph.errors import GraphError, bad_request

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<mark>[()])
      | (?P<name>[A-Za-z]+)(?P<operator>>=|<=|<>|[:=><])(?P<value>"[^"]*"|[^\s()"]+)
      | (?P<phrase>"[^"]*")
      | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)
_WORDS = re.compile(r"\w+")
_TERM = re.compile(r'"[^"]*"|[^\s()"]+')
_DEEPEST = 40
_LONGEST = 4096
_MOST_TERMS = 500
_DAY = timedelta(days=1)


class Searchable(Protocol):
    """What a thing has to offer to be searched. Words come from `padded_words`."""

    def words(self, name: str) -> str:
        """The words of the property `name`; of all of them for `""`."""

    def flag(self, name: str) -> str:
        """The exact value of a flag such as hasattachments, in lower case."""

    def moment(self, name: str) -> datetime | None:
        """The time of a property such as received."""


Predicate = Callable[[Searchable], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Which properties exist, by what they hold; the values are the names of `Searchable`."""

    words: Mapping[str, str]
    flags: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search: the predicate, and the plain words to highlight."""

    matches: Predicate
    terms: tuple[str, ...]


def padded_words(text: str) -> str:
    """The words of `text`, lower case, one blank around each: phrases become substrings."""
    return f" {' '.join(_WORDS.findall(text.casefold()))} "


def unquote_search(value: str) -> str:
    """Take the quotes off a `$search` value, which must have them. Raises GraphError 400."""
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        raise _syntax(value, 0)
    inner = value[1:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise _syntax(value, inner.index('"') + 1)
    return re.sub(r"\\(.)", r"\1", inner)


def parse_kql(text: str, vocabulary: Vocabulary) -> Search:
    """Parse `text`. Raises GraphError 400 for what has no meaning at all, or is too long."""
    if len(text) > _LONGEST or sum(1 for _ in _TERM.finditer(text)) > _MOST_TERMS:
        raise bad_request("The search query is too long.")
    parser = _Parser(text, vocabulary)
    return Search(parser.whole(), tuple(parser.terms))


def _syntax(text: str, position: int) -> GraphError:
    shown = text[position : position + 1] or "end"
    return bad_request(
        f"Syntax error: character '{shown}' is not valid at position {position} in '{text}'."
    )


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.end = len(text.rstrip())
        self.vocabulary = vocabulary
        self.terms: list[str] = []
        self.at = 0
        self.depth = 0
        self.within = ""

    def whole(self) -> Predicate:
        if not self.text.strip():
            raise _syntax(self.text, 0)
        result = self._either()
        if self._peek() is not None:
            raise _syntax(self.text, self.at)
        return result

    def _peek(self) -> re.Match[str] | None:
        if self.at >= self.end:
            return None
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise _syntax(self.text, self.at)
        return found

    def _skip(self, *wanted: str) -> bool:
        found = self._peek()
        if found is None or found.group().strip() not in wanted:
            return False
        self.at = found.end()
        return True

    def _either(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise bad_request("The search query is nested too deeply.")
        parts = [self._both()]
        while self._skip("OR"):
            parts.append(self._both())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else lambda thing: any(part(thing) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._negation()]
        while (found := self._peek()) is not None and found.group().strip() not in ("OR", ")"):
            self._skip("AND")
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda thing: all(part(thing) for part in parts)

    def _negation(self) -> Predicate:
        negated = False
        while self._skip("NOT"):
            negated = not negated
        inner = self._primary()
        return (lambda thing: not inner(thing)) if negated else inner

    def _primary(self) -> Predicate:
        if self._skip("("):
            return self._group()
        found = self._peek()
        if found is None or found.group().strip() in (")", "AND", "OR"):
            raise _syntax(self.text, self.at)
        self.at = found.end()
        name = (found["word"] or "").casefold().removesuffix(":")
        if found["word"] != name and name in self.vocabulary.words and self._skip("("):
            return self._group(self.vocabulary.words[name])
        if found["name"]:
            return self._property(found["name"], found["operator"], found["value"].strip('"'))
        return self._plain(found["phrase"] or found["word"])

    def _group(self, within: str = "") -> Predicate:
        outer, self.within = self.within, within or self.within
        inner = self._either()
        if not self._skip(")"):
            raise _syntax(self.text, self.at)
        self.within = outer
        return inner

    def _property(self, name: str, sign: str, value: str) -> Predicate:
        key = name.casefold()
        if key in self.vocabulary.moments:
            return _time_test(self.vocabulary.moments[key], sign, value)
        if sign not in (":", "="):
            return self._plain(f"{name} {value}")
        if key in self.vocabulary.flags:
            return _flag_test(self.vocabulary.flags[key], value)
        if key not in self.vocabulary.words:
            return self._plain(f"{name} {value}")
        return _word_test(self.vocabulary.words[key], value)

    def _plain(self, text: str) -> Predicate:
        self.terms.append(text.strip('"').rstrip("*"))
        return _word_test(self.within, text)


def _word_test(name: str, text: str) -> Predicate:
    plain = text.strip('"')
    wanted = padded_words(plain)
    if not wanted.strip():
        return lambda _thing: False
    if plain.endswith("*"):
        wanted = wanted.removesuffix(" ")
    return lambda thing: wanted in thing.words(name)


def _flag_test(name: str, value: str) -> Predicate:
    wanted = {"yes": "true", "no": "false"}.get(value.casefold(), value.casefold())
    return lambda thing: thing.flag(name) == wanted


def _time_test(name: str, sign: str, value: str) -> Predicate:
    first, dots, second = value.partition("..")
    start, end = _span(first)
    if dots:
        return _between(name, start, _span(second)[1])
    if sign in (":", "="):
        return _between(name, start, end)
    if sign in (">=", "<"):
        return _since(name, start, wanted=sign == ">=")
    return _since(name, end, wanted=sign == ">")


def _between(name: str, start: datetime, end: datetime) -> Predicate:
    def test(thing: Searchable) -> bool:
        moment = thing.moment(name)
        return moment is not None and start <= moment < end

    return test


def _since(name: str, edge: datetime, *, wanted: bool) -> Predicate:
    def test(thing: Searchable) -> bool:
        moment = thing.moment(name)
        return moment is not None and (moment >= edge) is wanted

    return test


def _span(text: str) -> tuple[datetime, datetime]:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as flaw:
        raise bad_request(f"Syntax error: '{text}' is not a date.") from flaw
    whole_day = "T" not in text.upper()
    start = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return start, start + (_DAY if whole_day else timedelta(seconds=1))
    except OverflowError as flaw:
        raise bad_request(f"Syntax error: '{text}' is not a date.") from flaw
