"""Graph's JSON as the typed models of msgraph-sdk see it."""

import dataclasses
import json

from kiota_serialization_json.json_parse_node import JsonParseNode


def parse(model, shown):
    """The model made from what was shown."""
    return JsonParseNode(json.loads(json.dumps(shown))).get_object_value(model)


def leftovers(value, path=""):
    """What the model did not know, with the path to it; annotations aside."""
    if isinstance(value, list):
        return [each for item in value for each in leftovers(item, path + "[]")]
    if not hasattr(value, "additional_data"):
        return []
    extra = [f"{path}.{name}" for name in value.additional_data if not name.startswith("@")]
    for field in dataclasses.fields(value):
        if field.name not in ("additional_data", "backing_store"):
            extra += leftovers(getattr(value, field.name), f"{path}.{field.name}")
    return extra
