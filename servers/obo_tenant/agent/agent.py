"""The agent itself: takes a person's request, gets their consent or calls the MCP server."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import anyio

from obo_tenant.agent import answer, hop
from obo_tenant.agent.bounded import Bounded
from obo_tenant.agent.connection import Connection, TokenEndpointDown
from obo_tenant.agent.consents import Connected, Consents
from obo_tenant.agent.grant import Grant
from obo_tenant.agent.person import PersonId
from obo_tenant.agent.planner import BadRequest, spelled_out
from obo_tenant.agent.turn import ProtocolMode, Server, Turn

_MOST_RESPONSES = 10_000


class UnknownResponse(Exception):
    """No such previous response, or it is somebody else's: the two look the same from outside."""


@dataclass(frozen=True, slots=True)
class _Asked:
    person: PersonId
    question: str


class Agent:
    """Stands for a Foundry agent with one MCP tool connection (OAuth2 identity passthrough).

    `check_token` verifies a token for the agent platform and returns its claims, or raises
    PermissionError. `record` receives one log entry per step, never a token. `clock` gives Unix
    seconds. `server_url` names the MCP server; it and `protocol_mode` may be set at any time.
    """

    def __init__(
        self,
        *,
        base_url: str,
        tenant_id: str,
        client_id: str,
        client_secret: str,
        server_scope: str,
        check_token: Callable[[str], Mapping[str, Any]],
        ca_path: Path,
        record: Callable[..., None],
        clock: Callable[[], float],
        protocol_mode: ProtocolMode = "auto",
    ) -> None:
        self.server_url: str | None = None
        self.protocol_mode: ProtocolMode = protocol_mode
        self.check_token = check_token
        self._record = record
        self._ca_path = ca_path
        self._clock = clock
        connection = Connection(
            base_url=base_url,
            tenant_id=tenant_id,
            client_id=client_id,
            client_secret=client_secret,
            server_scope=server_scope,
            trust=lambda: self._trust,
            clock=clock,
        )
        self.consents = Consents(connection, clock)
        self._asked: Bounded[str, _Asked] = Bounded(_MOST_RESPONSES)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The machine's authorities and the tenant's own, read once when first needed."""
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=str(self._ca_path))
        return context

    async def respond(
        self, caller: hop.Caller, question: str | None, previous: str | None
    ) -> dict[str, Any]:
        """Answer one request of the person that `caller` stands for.

        `previous` is a response id; without a question, the previous one is asked again.

        Raises:
            UnknownResponse: `previous` is not one of this person's responses.
            BadRequest: there is no question, or it cannot be understood.
        """
        wish = self._wish(caller.person, question, previous)
        response_id = answer.new_id("resp")
        hops = [caller.hop(self._clock())]
        output = await self._output(caller.person, response_id, wish, hops)
        self._asked.put(response_id, _Asked(caller.person, wish))
        return {
            "id": response_id,
            "object": "response",
            "created_at": int(self._clock()),
            "previous_response_id": previous,
            "status": "failed" if output[-1]["type"] == "error" else "completed",
            "output": output,
            "hops": hops,
        }

    def now(self) -> float:
        """Unix seconds, by the tenant's clock."""
        return self._clock()

    async def finish_sign_in(self, code: str, state: str) -> Connected:
        """The browser came back from the consent link. Raises `SignInFailed`."""
        connected = await self.consents.finish(code, state)
        fields = hop.grant_fields(connected.grant, self._clock())
        self.record("connection/granted", "AGENT", 200, 0, **fields)
        return connected

    def record(self, path: str, method: str, status: int, milliseconds: int, **fields: Any) -> None:
        """Write one step into the tenant's log."""
        self._record(
            where="agent",
            path=path,
            method=method,
            status=status,
            milliseconds=milliseconds,
            **fields,
        )

    def _wish(self, person: PersonId, question: str | None, previous: str | None) -> str:
        earlier = self._asked.get(previous) if previous else None
        if previous and (earlier is None or earlier.person != person):
            raise UnknownResponse("There is no such previous response.")
        wish = question or (earlier.question if earlier else "")
        if not wish.strip():
            raise BadRequest("input is empty: say what you want.")
        spelled_out(wish)
        return wish

    async def _output(
        self, person: PersonId, response_id: str, wish: str, hops: list[dict[str, Any]]
    ) -> list[answer.Item]:
        if self.server_url is None:
            return [answer.error("no_server", "The connection names no MCP server yet.")]
        try:
            grant, how = await self.consents.grant_of(person)
        except TokenEndpointDown as failure:
            return [answer.error("token_endpoint_down", str(failure))]
        if grant is None:
            self.record("connection/consent", "AGENT", 200, 0, person=person.key)
            return [answer.consent_request(self.consents.link(person, response_id))]
        if how == "refreshed":
            fields = hop.grant_fields(grant, self._clock())
            self.record("connection/refreshed", "AGENT", 200, 0, **fields)
        return await self._play(self.server_url, grant, how, wish, hops)

    async def _play(
        self, url: str, grant: Grant, how: str, wish: str, hops: list[dict[str, Any]]
    ) -> list[answer.Item]:
        started, now = anyio.current_time(), self._clock()
        turn = Turn(wish, now)
        server = Server(url=url, mode=self.protocol_mode, trust=lambda: self._trust)
        await server.take(turn, grant.access_token)
        if turn.refused == 401:
            self.consents.distrust(grant)
        for note in turn.notes:
            fields = hop.grant_fields(grant, now) | {"error": note.error}
            self.record(note.step, "MCP", note.status, note.milliseconds, **fields)
        spent = round((anyio.current_time() - started) * 1000)
        seen = {"protocol_version": turn.protocol_version, "milliseconds": spent}
        hops.append(hop.server_hop(grant, now, how) | seen)
        return turn.output
