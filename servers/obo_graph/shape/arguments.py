"""The arguments of a tool, taken strictly, and what a model is told of wrong ones."""

from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from obo_graph.errors import bad_argument

_MOST_TOLD = 3


class StrictArguments(ArgModelBase):
    """Base of every tool's arguments: one that does not exist is refused by name."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:
        if isinstance(values, dict):
            unknown = sorted(str(name)[:40] for name in set(values) - set(cls.model_fields))
            if unknown:
                named = ", ".join(repr(name) for name in unknown[:5])
                known = ", ".join(cls.model_fields) or "none"
                words = f"unknown argument {named}; this tool takes: {known}"
                raise PydanticCustomError("unknown", "{words}", {"words": words})
        return values


def explained(error: ValidationError) -> ToolError:
    """`error` in words for the model: which arguments, and what is allowed; no value, no link."""
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    names = [str(found["loc"][0]) if found["loc"] else "" for found in wrong]
    words = "; ".join(
        f"{name}: {found['msg']}" if name else found["msg"]
        for name, found in zip(names, wrong[:_MOST_TOLD], strict=False)
    )
    return bad_argument(names[0] or "arguments", f"cannot be taken. {words}")
