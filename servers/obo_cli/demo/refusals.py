"""What is turned away, by whom, and in which words."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from obo_cli.demo.checks import Checks
from obo_cli.demo.signin import browser_of, with_browser
from obo_cli.demo.stage import Stage
from obo_cli.demo.walk import Asked, ask

_DESCRIPTION = re.compile(r'error_description="([^"]*)"')
_PERSON = {"person": "adele", "client": "connection", "resource": "mcp-server"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt: what came, the status it got, and the reason and cure it was told."""

    attempt: str
    status: int
    words: str

    def as_json(self) -> dict[str, Any]:
        """The refusal as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Attempt:
    name: str
    token: Mapping[str, Any]
    status: int
    says: str


_ATTEMPTS = (
    _Attempt("forged signature", {**_PERSON, "foreign_key": True}, 401, "signature"),
    _Attempt(
        "token for another application",
        {**_PERSON, "resource": "expenses-api", "scopes": ["Expenses.Read"]},
        401,
        "another application",
    ),
    _Attempt(
        "app-only token, as an agent identity sends it",
        {"client": "agent-identity", "resource": "mcp-server", "app_only": True},
        401,
        "OAuth identity passthrough",
    ),
    _Attempt("token without our scope", {**_PERSON, "scopes": ["mcp.admin"]}, 403, "mcp.access"),
)


def refusals(stage: Stage, checks: Checks) -> list[Refusal]:
    """Make every attempt; each must be refused with its own status and words."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        made = [_attempt(stage, http, attempt, checks) for attempt in _ATTEMPTS]
    return [*made, _without_consent(stage, checks)]


def _attempt(stage: Stage, http: httpx.Client, attempt: _Attempt, checks: Checks) -> Refusal:
    token = stage.mint(**attempt.token)
    answer = http.post(stage.server.url, headers={"Authorization": f"Bearer {token}"}, json={})
    said = _DESCRIPTION.search(answer.headers.get("www-authenticate", ""))
    words = said[1] if said else ""
    met = answer.status_code == attempt.status and attempt.says in words
    checks.note(f"{attempt.name} is refused", met)
    return Refusal(attempt.name, answer.status_code, words)


def _without_consent(stage: Stage, checks: Checks) -> Refusal:
    """Diego may use the agent and the server, but never agreed to the server reading his mail."""
    token = with_browser(stage, "diego")
    with stage.agent(token) as agent:
        first, previous = ask(stage, agent, "Who am I?", None)
        browser_of(stage, "diego").visit(str(first.output[-1].get("consent_link")))
        asked, _ = ask(stage, agent, "Find my mail", previous)
    words = _tool_error(asked)
    checks.note("a person without consent is refused in words", "consent" in words)
    return Refusal("a person who never consented", 200, words)


def _tool_error(asked: Asked) -> str:
    failed = (item for item in asked.output if item.get("is_error"))
    return next((str(item["output"]).partition(": ")[2] for item in failed), "")
