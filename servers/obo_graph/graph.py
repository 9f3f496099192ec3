"""Microsoft Graph, as one person, for one tool call."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import anyio

from obo_graph.access import Access
from obo_graph.answer import Answer, Json
from obo_graph.download import FileBytes, first_bytes, is_allowed
from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.gate import MailboxGate, Person
from obo_graph.retry import Patience, RetryRules, Sleep
from obo_graph.transport import GraphRequest, GraphTransport
from obo_mcp import Principal, TokenSource
from obo_mcp.clock import Clock

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""`Prefer` value for Outlook calls: ids that survive a move (Graph, "Immutable Outlook ids")."""

_ADDRESS_REFUSED = frozenset({401, 403, 404, 410})
_REFUSED = range(400, 500)
_CORRELATION_ID = re.compile(r"[A-Za-z0-9\-]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalGraph:
    """Graph as seen by `person`. Every method raises GraphFailure when Graph does not deliver.

    Where Graph refuses the token and no other can be had, it is the library's OboError instead,
    which passes to the client as it is.
    """

    person: Person
    transport: GraphTransport
    gate: MailboxGate
    patience: Patience
    correlation_id: str
    download_hosts: tuple[str, ...]
    access: Access = field(repr=False)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, prefer: tuple[str, ...] = ()
    ) -> Json:
        """GET `path` under `/v1.0` and read the JSON object it answers."""
        headers = {"Prefer": ", ".join(prefer)} if prefer else {}
        request = GraphRequest(path=path, query=query or {}, headers=headers)
        return (await self._send(request)).json()

    async def post(self, path: str, body: Json) -> Json:
        """POST `body` to `path` under `/v1.0` and read the JSON object it answers."""
        request = GraphRequest(
            method="POST",
            path=path,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body, separators=(",", ":")).encode(),
        )
        return (await self._send(request)).json()

    async def content_address(self, path: str) -> str:
        """Where `path` (an item's `/content`) redirects to; "" if it does not."""
        answer = await self._send(GraphRequest(path=path))
        return answer.headers.get("location", "")

    async def download(self, url: str, max_bytes: int) -> FileBytes:
        """The first `max_bytes` of the file at `url`, fetched without the person's token.

        The host's refusals are not Graph's: `address_refused` where a fresh address may help,
        else `download_failed`.
        """
        if not is_allowed(url, self.transport.origin, self.download_hosts):
            raise GraphFailure(NO_ANSWER, "foreign_host")

        async def attempt() -> Answer | FileBytes:
            return await first_bytes(self.transport.http, url, max_bytes)

        try:
            outcome = await self.patience.run("GET", attempt)
        except GraphFailure as failure:
            raise _of_download(failure) from None
        if isinstance(outcome, Answer):
            raise GraphFailure(NO_ANSWER, "unexpected")
        return outcome

    async def _send(self, request: GraphRequest) -> Answer:
        named = GraphRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers={
                "Accept": "application/json",
                "client-request-id": self.correlation_id,
                **request.headers,
            },
            body=request.body,
        )

        async def send(token: str) -> Answer:
            async with self.gate.slot(self.person):
                return await self.transport.send(named, token)

        async def attempt() -> Answer:
            return await self.access.answer(send)

        return await self.patience.run(request.method, attempt)


def _of_download(failure: GraphFailure) -> GraphFailure:
    if failure.status in _ADDRESS_REFUSED:
        return GraphFailure(NO_ANSWER, "address_refused")
    if failure.status in _REFUSED and failure.status != HTTPStatus.TOO_MANY_REQUESTS:
        return GraphFailure(NO_ANSWER, "download_failed")
    return failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What all tool calls of the process share."""

    transport: GraphTransport
    clock: Clock
    correlation_id: Callable[[], str]
    download_hosts: tuple[str, ...] = ()
    gate: MailboxGate = field(default_factory=MailboxGate)
    rules: RetryRules = field(default_factory=RetryRules)
    sleep: Sleep = anyio.sleep

    async def as_person(self, tokens: TokenSource, who: Principal) -> PersonalGraph:
        """Graph for `who`, with a token of theirs; when there is one, its time starts running.

        Raises:
            OboError: there is no token for them.
        """
        access = await Access.of(tokens)
        wanted = self.correlation_id()
        return PersonalGraph(
            person=(who.tid, who.oid),
            transport=self.transport,
            gate=self.gate,
            patience=Patience(self.rules, self.clock, self.sleep),
            correlation_id=wanted if _CORRELATION_ID.fullmatch(wanted) else str(uuid.uuid4()),
            download_hosts=self.download_hosts,
            access=access,
        )
