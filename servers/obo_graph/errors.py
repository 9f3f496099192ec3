"""What goes wrong with Graph, and how a model is told.

A model can act on three things: what happened, what to do next, who can mend it. It never sees
a token, a URL or an address, and of Graph's own words only a shortened, redacted line.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.text import one_line

NO_ANSWER = 0
"""The `status` of a failure in which Graph gave no usable answer."""

_CODE = re.compile(r"[A-Za-z0-9_.]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9\-]{1,64}")
# From the first opening quote to the last quote: what Graph quotes, somebody typed.
_QUOTED = re.compile(r"(?<!\w)['\"`\u2018\u201c](?:.*['\"`\u2019\u201d]|.*)", re.DOTALL)
_PRIVATE = re.compile(r"https?://\S+|\S+@\S+|[\w\-.~+/=]{32,}", re.IGNORECASE)
_TRY_LATER = "Wait retry_after_s seconds, then call again with the same arguments."
_ADMINISTRATOR = "an administrator of the person's organisation"

_HINTS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "Graph refused the request. Change the arguments; do not repeat it."),
    401: ("sign_in_needed", "Graph no longer accepts this sign-in. Ask the person to sign in."),
    404: ("not_found", "Nothing is there. If you passed an id, search again and take a new one."),
    410: ("page_expired", "Repeat the search without cursor."),
    429: ("throttled", _TRY_LATER),
    503: ("unavailable", _TRY_LATER),
    504: ("unavailable", _TRY_LATER),
}
_CODES: dict[str, tuple[str, str]] = {
    "claims_challenge": (
        "sign_in_needed",
        "The organisation's sign-in policy wants one more step. Ask the person to sign in again.",
    ),
    "ErrorInvalidIdMalformed": ("bad_id", "Use an id exactly as a search returned it."),
    "MailboxNotEnabledForRESTAPI": (
        "no_mailbox",
        "This person has no Exchange Online mailbox. Do not retry mail or calendar tools.",
    ),
    "deadline": ("too_slow", "The call took too long. Narrow it: fewer items, shorter period."),
    "too_large": ("too_large", "The answer is too large. Narrow it: fewer items, another part."),
    "unreachable": ("unavailable", _TRY_LATER),
    "unexpected": ("unexpected_answer", "Graph's answer made no sense. Try once more, then stop."),
    "address_refused": (
        "download_refused",
        "The host where the file lies refused to give it, twice. Tell the person.",
    ),
    "download_failed": (
        "download_failed",
        "The host where the file lies could not give it. Try once more, then tell the person.",
    ),
    "upload_conflict": (
        "name_taken",
        "Meanwhile somebody saved a file of this name there. Choose another name.",
    ),
    "upload_failed": (
        "upload_failed",
        "The host that takes the file refused it midway. Nothing was saved; tell the person.",
    ),
    "upload_unsure": (
        "maybe_saved",
        "No answer told whether the file arrived. It may be saved: look before you call again.",
    ),
    "foreign_upload_host": (
        "upload_refused",
        "This server sends no files to that host; its operator can allow it, OBO_MCP_UPLOAD_HOSTS.",
    ),
    "foreign_host": (
        "download_refused",
        "This server reads no files there; its operator can allow it, OBO_MCP_DOWNLOAD_HOSTS.",
    ),
}


class GraphFailure(Exception):
    """Graph, or the way to it, failed.

    `status` is the HTTP status or `NO_ANSWER`; `code` is Graph's error code, or one of ours in
    the second case. `detail` is Graph's own text, unredacted: show it to nobody as it stands.
    `retry_after` is the header as it came; `retry_after_seconds` what was made of it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        detail: str = "",
        request_id: str = "",
        retry_after: str = "",
    ) -> None:
        super().__init__(f"Graph failure {status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.retry_after_seconds: float | None = None

    @property
    def ambiguous(self) -> bool:
        """Whether the request may have taken effect in spite of this failure."""
        return self.status == NO_ANSWER or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def bad_argument(argument: str, hint: str) -> ToolError:
    """The model's own mistake: `hint` completes the sentence that `argument` begins."""
    return told("bad_argument", f"{argument} {hint}.", argument=argument)


def unsupported(hint: str) -> ToolError:
    """A request that makes sense, but that this server cannot serve (yet)."""
    return told("unsupported", hint)


@contextmanager
def told_to_model(*scopes: str) -> Iterator[None]:
    """Turn a GraphFailure into words for the model; `scopes` are what the step in it needs."""
    try:
        yield
    except GraphFailure as failure:
        raise told(**_words(failure, scopes)) from None


def _words(failure: GraphFailure, scopes: tuple[str, ...]) -> dict[str, Any]:
    forbidden = failure.status == HTTPStatus.FORBIDDEN
    words = _forbidden(" ".join(scopes)) if forbidden else _explained(failure)
    if failure.status == HTTPStatus.BAD_REQUEST:
        words["detail"] = _detail(failure.detail)
    if _CODE.fullmatch(failure.code):
        words["code"] = failure.code
    if _REQUEST_ID.fullmatch(failure.request_id):
        words["request_id"] = failure.request_id
    if failure.retry_after_seconds is not None:
        words["retry_after_s"] = ceil(failure.retry_after_seconds)
    return words


def _detail(graphs_words: str) -> str:
    return _PRIVATE.sub("…", one_line(_QUOTED.sub("…", graphs_words), 400))[:160]


def _explained(failure: GraphFailure) -> dict[str, Any]:
    general = ("failed", "Graph could not do this. Try once more, then tell the person.")
    name, hint = _CODES.get(failure.code) or _HINTS.get(failure.status, general)
    return {"error": name, "hint": hint}


def _forbidden(scope: str) -> dict[str, Any]:
    return {
        "error": "forbidden",
        "hint": f"Either this app lacks the delegated permission {scope or 'for this'}, or the "
        "person may not see or change this item. Do not retry; tell the person.",
        "missing_scope": scope,
        "who_can_fix": _ADMINISTRATOR,
    }


def told(error: str, hint: str, **more: object) -> ToolError:
    """A refusal named `error`: `hint` says what to do; what is empty of `more` is left out."""
    words = {"error": error, **more, "hint": hint}
    kept = {key: value for key, value in words.items() if value not in {"", None}}
    return ToolError(json.dumps(kept, ensure_ascii=False, separators=(",", ":")))
