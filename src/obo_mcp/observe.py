"""What happened, for operators: one structured event per key fetch, exchange and refusal.

Events go to the logger `obo_mcp.audit`, at INFO what changes something or fails, at DEBUG what
happens in every call. `JsonLines` writes any log record as one JSON
object a line. Events carry identifiers (tid, oid, azp, scope, correlation id), never a token,
an address or anything the person wrote.
"""

import json
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

AUDIT_LOGGER = "obo_mcp.audit"
_FIELDS = "obo_mcp_fields"


_audit = logging.getLogger(AUDIT_LOGGER)


Field = str | float | bool | None


def record(
    event: str,
    *,
    level: int = logging.INFO,
    to: logging.Logger = _audit,
    fields: Mapping[str, Field] = MappingProxyType({}),
) -> None:
    """Report `event`. Field names are those of docs/reference/events.md; times in milliseconds."""
    if to.isEnabledFor(level):
        to.log(level, event, extra={_FIELDS: {"event": event, **fields}})


def wanted(level: int) -> bool:
    """Whether anybody listens to events of this level: before gathering fields in every call."""
    return _audit.isEnabledFor(level)


def fields_of(line: logging.LogRecord) -> dict[str, Any] | None:
    """The fields of an event; None if the log record is no event."""
    fields = getattr(line, _FIELDS, None)
    return fields if isinstance(fields, dict) else None


class JsonLines(logging.Formatter):
    """Formats a log record as one line of JSON: `at`, `level`, `logger`, then the event's fields.

    An exception is named by its type and place only: its text may hold what must not be logged.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object without line breaks."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname,
            "logger": record.name,
        }
        line |= fields_of(record) or {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = _innermost_frame(record)
        return json.dumps(line, default=str)


def _innermost_frame(record: logging.LogRecord) -> str:
    frame = record.exc_info[2] if record.exc_info else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return ""
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}"
