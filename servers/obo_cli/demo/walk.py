"""One person's way: sign in, let the agent in, ask four questions, get their own answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from obo_cli.demo.checks import Checks
from obo_cli.demo.hops import Hop, agent_hops, server_hops, sign_in_hops
from obo_cli.demo.signin import browser_of
from obo_cli.demo.stage import Stage

QUESTIONS = (
    "Who am I?",
    "Find my latest mail and read it",
    "What is in my calendar this week?",
    "Find my files about budget and read the first",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, what came of it, and what each hop saw."""

    question: str
    said: str
    hops: tuple[Hop, ...]
    output: tuple[Mapping[str, Any], ...]

    def results(self, tool: str) -> list[Any]:
        """The structured results of one tool's calls."""
        return [item["structured"] for item in self.output if item.get("name") == tool]


@dataclass(slots=True)
class Walk:
    """Everything one person did."""

    person: str
    how: str
    asked: list[Asked] = field(default_factory=list)

    def witnessed(self, stage: Stage, what: str, deed: Callable[[], str]) -> str:
        """Do `deed`, and note the tokens that were issued meanwhile."""
        _, since = stage.log()
        made = deed()
        hops = sign_in_hops(stage.log(since=since)[0], stage.names)
        self.asked.append(Asked(f"{self.person} {what}", "", tuple(hops), ()))
        return made

    def ids(self) -> set[str]:
        """The ids of everything that was listed to this person."""
        found = (result for asked in self.asked for result in _listings(asked))
        return {str(item.get("id") or item["ref"]) for result in found for item in result}


def walk(
    stage: Stage, key: str, how: str, sign_in: Callable[[Stage, str], str], checks: Checks
) -> Walk:
    """Let `key` sign in by `sign_in` and ask every question."""
    person = stage.about["people"][key]
    done = Walk(person["name"], how)
    token = done.witnessed(stage, "signs in to the user app", lambda: sign_in(stage, key))
    with stage.agent(token) as agent:
        previous = done.witnessed(
            stage, "lets the agent in", lambda: _let_the_agent_in(stage, key, agent, checks)
        )
        for question in QUESTIONS:
            asked, previous = ask(stage, agent, question, previous)
            done.asked.append(asked)
    _check(done, person, checks)
    return done


def ask(
    stage: Stage, agent: httpx.Client, question: str, previous: str | None
) -> tuple[Asked, str]:
    """Ask the agent, and collect what each hop saw of it."""
    events, (_, entry) = stage.server.position(), stage.log()
    body = {"input": question, "previous_response_id": previous}
    answer = agent.post("/agent/responses", json=body).raise_for_status().json()
    hops = agent_hops(answer["hops"], stage.names)
    calls = sum(item["type"] == "mcp_call" for item in answer["output"])
    traded = stage.server.events("downstream_token", since=events, at_least=calls)
    hops += server_hops(traded, stage.log(since=entry)[0], stage.names)
    output = tuple(answer["output"])
    return Asked(question, _said(output), tuple(hops), output), answer["id"]


def _let_the_agent_in(stage: Stage, key: str, agent: httpx.Client, checks: Checks) -> str:
    """The first request gets a consent link; the person opens it in a browser of their own."""
    asked, response_id = ask(stage, agent, QUESTIONS[0], None)
    links = [item["consent_link"] for item in asked.output if "consent_link" in item]
    checks.note(f"{key}: the agent asks for consent before it calls anything", bool(links))
    for link in links:
        browser_of(stage, key).visit(link)
    return response_id


def _said(output: tuple[Mapping[str, Any], ...]) -> str:
    last = output[-1]
    if last["type"] == "message":
        return "".join(part["text"] for part in last["content"])
    return str(last.get("message", last["type"]))


def _listings(asked: Asked) -> list[list[Mapping[str, Any]]]:
    results = (item.get("structured") for item in asked.output if item["type"] == "mcp_call")
    return [result["items"] for result in results if isinstance(result, dict) and "items" in result]


def _check(done: Walk, person: Mapping[str, Any], checks: Checks) -> None:
    name = person["name"]
    me = [result for asked in done.asked for result in asked.results("whoami")]
    checks.note(f"{name} is told who they are", [one["id"] for one in me] == [person["oid"]])
    for tool in ("mail_search", "calendar_view", "files_search"):
        found = [result for asked in done.asked for result in asked.results(tool)]
        checks.note(f"{name} gets an answer from {tool}", any(one["items"] for one in found))
    failed = [item for asked in done.asked for item in asked.output if item.get("is_error")]
    checks.note(f"{name}: no tool call failed", not failed)
    trades = [hop.how for asked in done.asked for hop in asked.hops if hop.how in _TRADES]
    checks.note(
        f"{name}: one exchange, then the cache",
        trades[:1] == ["exchanged"] and set(trades[1:]) == {"cached"},
    )


_TRADES = frozenset({"exchanged", "cached"})
