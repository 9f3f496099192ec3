"""What happened, for operators: one structured event per key fetch, exchange and refusal.

Events go to the logger `obo_mcp.audit`, at INFO what changes something or fails, at DEBUG what
happens in every call. `JsonLines` writes any log record as one JSON
object a line. Events carry identifiers (tid, oid, azp, scope, correlation id), never a token,
an address or anything the person wrote.
"""

import json
import logging
from typing import Any

AUDIT_LOGGER = "obo_mcp.audit"
_FIELDS = "obo_mcp_fields"


_audit = logging.getLogger(AUDIT_LOGGER)


def record(event: str, *, level: int = logging.INFO, **fields: str | float | bool | None) -> None:
    """Report `event`. Field names are those of docs/reference/events.md; times in milliseconds."""
    if _audit.isEnabledFor(level):
        _audit.log(level, event, extra={_FIELDS: {"event": event, **fields}})


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
        fields = getattr(record, _FIELDS, None)
        line |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = _innermost_frame(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def _innermost_frame(record: logging.LogRecord) -> str:
    frame = record.exc_info[2] if record.exc_info else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return ""
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}"
