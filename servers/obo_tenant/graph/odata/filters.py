"""`$filter`: a recursive-descent parser that ends in a predicate over our own data.

Operators: eq ne gt ge lt le and or not, parentheses, startswith, endswith, contains.
Two refusals, as Graph has them: what is not OData at all is `BadRequest` ("Invalid filter clause"),
what is OData but nothing Exchange can restrict on is `ErrorInvalidUrlQueryFilter`.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from obo_tenant.graph.errors import GraphError, bad_request
from obo_tenant.graph.odata.fields import Field, Fields, Value

Predicate = Callable[[Any], bool]

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[^\s(),']+))")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?",
    re.IGNORECASE,
)
_COMPARE: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "eq": ("Equal", operator.eq),
    "ne": ("NotEqual", operator.ne),
    "gt": ("GreaterThan", operator.gt),
    "ge": ("GreaterThanOrEqual", operator.ge),
    "lt": ("LessThan", operator.lt),
    "le": ("LessThanOrEqual", operator.le),
}
_CALLS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda text, part: part in text,
}
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: the predicate, and the properties in the order in which they appear."""

    matches: Predicate
    properties: tuple[str, ...]


def parse_filter(text: str, fields: Fields) -> Filter:
    """Parse `text` against `fields`. Raises GraphError 400."""
    parser = _Parser(text, fields)
    matches = parser.whole()
    return Filter(matches, tuple(dict.fromkeys(parser.properties)))


def parse_moment(text: str) -> datetime | None:
    """An OData date or dateTimeOffset as an aware datetime (UTC if it names no offset), or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unsupported() -> GraphError:
    return GraphError(
        400,
        "ErrorInvalidUrlQueryFilter",
        "The query filter contains one or more invalid nodes.",
    )


class _Parser:
    def __init__(self, text: str, fields: Fields) -> None:
        self.text = text
        self.fields = fields
        self.properties: list[str] = []
        self.tokens = self._split()
        self.at = 0
        self.depth = 0

    def whole(self) -> Predicate:
        result = self._either()
        if self.at != len(self.tokens):
            raise self._syntax()
        return result

    def _split(self) -> list[str]:
        tokens, at = [], 0
        stripped = self.text.rstrip()
        while at < len(stripped):
            found = _TOKEN.match(stripped, at)
            if found is None:
                raise bad_request(
                    "Invalid filter clause: There is an unterminated string literal at position "
                    f"{len(self.text)} in '{self.text}'."
                )
            tokens.append(found.group().strip())
            at = found.end()
        return tokens

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            raise self._syntax()
        self.at += 1
        return token

    def _expect(self, mark: str) -> None:
        if self._take() != mark:
            raise self._syntax()

    def _syntax(self) -> GraphError:
        position = sum(len(token) + 1 for token in self.tokens[: self.at])
        return bad_request(
            f"Invalid filter clause: Syntax error at position {position} in '{self.text}'."
        )

    def _either(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise bad_request("Invalid filter clause: Recursion depth exceeded allowed limit.")
        parts = [self._both()]
        while self._peek().casefold() == "or":
            self.at += 1
            parts.append(self._both())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._negation()]
        while self._peek().casefold() == "and":
            self.at += 1
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _negation(self) -> Predicate:
        negated = False
        while self._peek().casefold() == "not":
            self.at += 1
            negated = not negated
        inner = self._primary()
        return (lambda item: not inner(item)) if negated else inner

    def _primary(self) -> Predicate:
        token = self._take()
        if token == "(":
            inner = self._either()
            self._expect(")")
            return inner
        if self._peek() == "(":
            return self._call(token)
        field = self._field(token)
        if self._peek().casefold() in _COMPARE:
            return self._comparison(field)
        if field.kind == "Edm.Boolean":
            return lambda item: field.read(item) is True
        raise self._syntax()

    def _field(self, name: str) -> Field:
        if name.startswith("'") or not re.match(r"[A-Za-z_]", name):
            raise self._syntax() if name in (")", ",") else _unsupported()
        field = self.fields.get(name)
        if field is None:
            raise bad_request(
                f"Invalid filter clause: Could not find a property named '{name}' on type "
                f"'{self.fields.entity}'."
            )
        self.properties.append(field.name)
        return field

    def _call(self, name: str) -> Predicate:
        test = _CALLS.get(name.casefold())
        if test is None:
            raise _unsupported()
        self._expect("(")
        field = self._field(self._take())
        self._expect(",")
        wanted = self._literal(self._take())
        self._expect(")")
        if field.kind != "Edm.String" or not isinstance(wanted, str):
            raise bad_request(
                f"Invalid filter clause: No function signature for the function with name '{name}' "
                "matches the specified arguments."
            )
        part = wanted.casefold()
        return lambda item: test(str(field.read(item) or "").casefold(), part)

    def _comparison(self, field: Field) -> Predicate:
        kind, compare = _COMPARE[self._take().casefold()]
        wanted = self._literal(self._take())
        if wanted is None:
            return lambda item: compare(field.read(item) is None, True)
        self._same_type(field, wanted, kind)
        if isinstance(wanted, str):
            lowered = wanted.casefold()
            return lambda item: compare(str(field.read(item) or "").casefold(), lowered)
        return lambda item: compare(field.read(item), wanted)

    def _same_type(self, field: Field, wanted: Value, kind: str) -> None:
        found = _kind(wanted)
        ordered = kind not in ("Equal", "NotEqual")
        if found != field.kind or (ordered and found == "Edm.Boolean"):
            raise bad_request(
                "Invalid filter clause: A binary operator with incompatible types was detected. "
                f"Found operand types '{field.kind}' and '{found}' for operator kind '{kind}'."
            )

    def _literal(self, token: str) -> Value:
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        word = token.casefold()
        if word in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        if token.isascii() and token.isdigit() and len(token) < 10:
            return int(token)
        moment = parse_moment(token)
        if moment is None:
            raise self._syntax()
        return moment


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "Edm.Boolean"
    if isinstance(value, int):
        return "Edm.Int32"
    return "Edm.DateTimeOffset" if isinstance(value, datetime) else "Edm.String"
