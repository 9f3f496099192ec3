"""What an MCP server's HTTP refusal said. The MCP client itself keeps only that there was one."""

import re
from dataclasses import dataclass

import httpx2

from obo_tenant.plain_json import read_json

_MEMBER = re.compile(r'(?<!\w)(\w+)="((?:[^"\\]|\\.)*)"')
_BODY_LIMIT = 64 * 1024
_CHALLENGE_LIMIT = 4096
_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 503: "unavailable"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status and words of an answer of 400 or above."""

    status: int
    error: str
    description: str
    retry_after: str

    @property
    def code(self) -> str:
        """A short name for programs."""
        return self.error or _CODES.get(self.status, "server_error")

    @property
    def sentence(self) -> str:
        """One sentence for people, with the server's own description."""
        later = f" Try again in {self.retry_after} seconds." if self.retry_after else ""
        said = f": {self.description.rstrip('.')}" if self.description else ""
        return f"The MCP server answered {self.status}{said}.{later}"


class Listener:
    """Hears every answer on one HTTP client and remembers the last refused POST."""

    def __init__(self) -> None:
        self.last: Refusal | None = None

    @property
    def door_closed(self) -> bool:
        """Whether the last POST was refused for who asks or how things are, not for what it said.

        400 and 404 also carry ordinary JSON-RPC errors in the 2026-07-28 era.
        """
        return self.last is not None and self.last.status not in {400, 404}

    async def hear(self, response: httpx2.Response) -> None:
        """An httpx2 response hook."""
        if response.request.method != "POST":
            return
        self.last = await _read(response) if response.status_code >= 400 else None


async def _read(response: httpx2.Response) -> Refusal:
    challenge = response.headers.get("WWW-Authenticate", "")[:_CHALLENGE_LIMIT]
    members = dict(_MEMBER.findall(challenge))
    declared = response.headers.get("Content-Length", "")
    small = declared.isdigit() and int(declared) <= _BODY_LIMIT
    body = _object(await response.aread()) if small else {}
    return Refusal(
        status=response.status_code,
        error=members.get("error") or _text(body.get("error")),
        description=members.get("error_description") or _description(body),
        retry_after=response.headers.get("Retry-After", ""),
    )


def _description(body: dict[str, object]) -> str:
    error = body.get("error")
    if isinstance(error, dict):  # a JSON-RPC error, or Graph's shape: both carry a message
        return _text(error.get("message"))
    return _text(body.get("error_description")) or _text(body.get("detail"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(text: bytes) -> dict[str, object]:
    try:
        body = read_json(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
