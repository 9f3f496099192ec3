"""`key=value` words, read the way a tool's input schema wants them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from obo_cli.outcome import CommandFailed, ExitCode

Schema = Mapping[str, Any]
_DEEPEST = 8  # a schema may refer to itself


def arguments_from(words: Sequence[str], tool: str, schema: Schema) -> dict[str, Any]:
    """The arguments of one call.

    A key may be repeated where the schema wants an array; arrays and objects may be given as JSON.

    Raises:
        CommandFailed: a word is no `key=value`, a key is unknown, missing or given twice, or a
            value is not what the schema says.
    """
    given: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (equals and key):
            raise _usage(f"{word!r} is not key=value.")
        given.setdefault(key, []).append(value)
    _check_keys(given, tool, schema)
    properties = schema.get("properties", {})
    return {key: _value(key, values, properties[key], schema) for key, values in given.items()}


def _check_keys(given: Mapping[str, object], tool: str, schema: Schema) -> None:
    known = list(schema.get("properties", {}))
    unknown = [key for key in given if key not in known]
    if unknown:
        offered = ", ".join(known) or "none"
        raise _usage(f"{tool} knows no argument {unknown[0]!r}. It knows: {offered}.")
    missing = [key for key in schema.get("required", []) if key not in given]
    if missing:
        raise _usage(f"{tool} needs {', '.join(missing)}.")


def _value(key: str, values: Sequence[str], part: Schema, root: Schema) -> Any:
    shapes = _shapes(part, root)
    array = next((shape for shape in shapes if shape.get("type") == "array"), None)
    if array is not None:
        return _array(key, values, array, root)
    if len(values) > 1:
        raise _usage(f"{key} is given {len(values)} times but takes one value.")
    return _single(key, values[0], shapes)


def _array(key: str, values: Sequence[str], array: Schema, root: Schema) -> list[Any]:
    if len(values) == 1 and values[0].lstrip().startswith("["):
        return list(_json(key, values[0], list))
    shapes = _shapes(array.get("items", {}), root)
    return [_single(key, value, shapes) for value in values]


def _single(key: str, text: str, shapes: Sequence[Schema]) -> Any:
    """The first reading that the shapes allow, narrow types before text."""
    types = {name for shape in shapes for name in _types(shape)}
    if "null" in types and text == "null":
        return None
    for name in ("boolean", "integer", "number"):
        if name in types and (value := _READERS[name](text)) is not None:
            return value
    if "object" in types:
        return _json(key, text, dict)
    if "string" in types or not types:
        return text
    raise _usage(f"{key} must be {' or '.join(sorted(types - {'null'}))}, not {text!r}.")


def _shapes(part: Schema, root: Schema, depth: int = 0) -> list[Schema]:
    """The alternatives of a schema, its references followed."""
    reference = part.get("$ref", "")
    if reference.startswith("#/") and depth < _DEEPEST:
        return _shapes(_resolved(reference, root), root, depth + 1)
    alternatives = part.get("anyOf") or part.get("oneOf") or []
    if not alternatives or depth >= _DEEPEST:
        return [part]
    return [shape for one in alternatives for shape in _shapes(one, root, depth + 1)]


def _resolved(reference: str, root: Schema) -> Schema:
    found: Any = root
    for name in reference.removeprefix("#/").split("/"):
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _types(shape: Schema) -> list[str]:
    kind = shape.get("type")
    if isinstance(kind, list):
        return [str(name) for name in kind]
    return [kind] if isinstance(kind, str) else []


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_READERS: Mapping[str, Any] = {"boolean": _boolean, "integer": _integer, "number": _number}


def _json(key: str, text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        wanted = "an array" if kind is list else "an object"
        raise _usage(f"{key} must be {wanted} in JSON, not {text!r}.")
    return value


def _usage(words: str) -> CommandFailed:
    return CommandFailed(ExitCode.USAGE, words)
