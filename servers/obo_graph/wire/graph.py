"""Microsoft Graph, as one person, for one tool call."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import anyio

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.access import Access
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.batch import BatchStep, BatchWay, run_batch
from obo_graph.wire.download import FileBytes, first_bytes, is_allowed
from obo_graph.wire.gate import MailboxGate, Person
from obo_graph.wire.retry import Again, Patience, RetryRules, Sleep
from obo_graph.wire.transport import GraphRequest, GraphTransport, HttpMethod
from obo_graph.wire.upload import Source, send_parts
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
    upload_hosts: tuple[str, ...]
    access: Access = field(repr=False)

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        prefer: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        max_answer_bytes: int | None = None,
    ) -> Json:
        """GET `path` under `/v1.0` and read the JSON object it answers."""
        named = _preferring(prefer) | dict(headers or {})
        request = GraphRequest(path=path, query=query or {}, headers=named)
        if max_answer_bytes is not None:
            request = replace(request, max_answer_bytes=max_answer_bytes)
        return (await self._send(request)).json()

    async def ask(self, path: str, body: Json, *, prefer: tuple[str, ...] = ()) -> Json:
        """POST `body` to a `path` that only reads, such as `/search/query`."""
        request = _with_json("POST", path, body, _preferring(prefer))
        return (await self._send(request, reading=True)).json()

    async def post(
        self,
        path: str,
        body: Json | None = None,
        *,
        prefer: tuple[str, ...] = (),
        repeatable: bool = False,
    ) -> Json:
        """POST `body` to `path` under `/v1.0`: {} if it answers nothing.

        Sent again after a 429 only, or like a GET if it is `repeatable`: Graph itself does it
        once (an event's `transactionId`). A failure that is `ambiguous` may have taken effect.
        """
        request = _with_json("POST", path, body, _preferring(prefer))
        return (await self._send(request, reading=repeatable)).optional_json()

    async def post_once(self, path: str, body: Json | None = None) -> Json:
        """POST `body` to `path` and never again, whatever comes back: for what sends mail."""
        return (await self._send(_with_json("POST", path, body), once=True)).optional_json()

    async def patch(
        self, path: str, body: Json, *, etag: str = "", prefer: tuple[str, ...] = ()
    ) -> Json:
        """PATCH `path` with `body`; with an `etag` only if it is still that version (412)."""
        headers = _preferring(prefer) | ({"If-Match": etag} if etag else {})
        return (await self._send(_with_json("PATCH", path, body, headers))).optional_json()

    async def put(
        self,
        path: str,
        content: bytes,
        content_type: str,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """PUT `content` as the whole of `path` and read the item it answers."""
        headers = {"Content-Type": content_type}
        request = GraphRequest(
            method="PUT", path=path, query=query or {}, headers=headers, body=content
        )
        return (await self._send(request)).json()

    async def content(self, path: str, max_bytes: int) -> bytes:
        """The bytes that `path` (an attachment's `/$value`) answers; too many are `too_large`."""
        request = GraphRequest(path=path, headers={"Accept": "*/*"}, max_answer_bytes=max_bytes)
        return (await self._send(request)).body

    async def batch(self, steps: Sequence[BatchStep], *, in_turn: bool = False) -> list[Answer]:
        """The answers to at most 20 requests in one, each as if it had been sent alone.

        `in_turn`: one at a time on the mailbox (`dependsOn`), yet a step that fails does not keep
        the others from being done. A step's own 429 is waited for and only that step sent again;
        one that is challenged for claims is sent again with a new token. What became of the others
        is kept if such a second round gets lost: a step of it is answered with 504 and no body if
        it may have been done.
        """
        way = BatchWay(self._send, self.access.renew, self.patience)
        return await run_batch(steps, way, in_turn=in_turn)

    async def upload(self, url: str, source: Source, *, part_bytes: int) -> Json:
        """Send `source` to the upload session at `url`, part by part, without the token.

        `part_bytes` is a multiple of 327,680 (Graph, "driveItem: createUploadSession"). What the
        last part answers: the item, or {}.
        """
        if not is_allowed(url, self.transport.origin, self.upload_hosts):
            raise GraphFailure(NO_ANSWER, "foreign_upload_host")
        return await send_parts(self.transport.http, url, source, self.patience, part_bytes)

    async def content_address(self, path: str) -> str:
        """Where `path` (an item's `/content`) redirects to; "" if it does not."""
        answer = await self._send(GraphRequest(path=path))
        return answer.headers.get("location", "")

    async def download(self, url: str, max_bytes: int, *, start: int = 0) -> FileBytes:
        """At most `max_bytes` of the file at `url` from `start` on, without the person's token.

        The host's refusals are not Graph's: `address_refused` where a fresh address may help,
        else `download_failed`.
        """
        if not is_allowed(url, self.transport.origin, self.download_hosts):
            raise GraphFailure(NO_ANSWER, "foreign_host")

        async def attempt() -> Answer | FileBytes:
            return await first_bytes(self.transport.http, url, max_bytes, start=start)

        try:
            outcome = await self.patience.run("always", attempt)
        except GraphFailure as failure:
            raise _of_download(failure) from None
        if isinstance(outcome, Answer):
            raise GraphFailure(NO_ANSWER, "unexpected")
        return outcome

    async def _send(
        self, request: GraphRequest, *, reading: bool = False, once: bool = False
    ) -> Answer:
        headers = {"Accept": "application/json", "client-request-id": self.correlation_id}
        named = replace(request, headers={**headers, **request.headers})

        async def send(token: str) -> Answer:
            async with self.gate.slot(self.person):
                return await self.transport.send(named, token)

        async def attempt() -> Answer:
            return await self.access.answer(send)

        again: Again = "always" if reading or request.method == "GET" else "throttled"
        return await self.patience.run("never" if once else again, attempt)


def _preferring(wishes: tuple[str, ...]) -> dict[str, str]:
    return {"Prefer": ", ".join(wishes)} if wishes else {}


def _with_json(
    method: HttpMethod, path: str, body: Json | None, headers: Mapping[str, str] | None = None
) -> GraphRequest:
    given = dict(headers or {})
    if body is None:
        return GraphRequest(method=method, path=path, headers=given)
    given["Content-Type"] = "application/json"
    content = json.dumps(body, separators=(",", ":")).encode()
    return GraphRequest(method=method, path=path, headers=given, body=content)


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
    upload_hosts: tuple[str, ...] = ()
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
            upload_hosts=self.upload_hosts,
            access=access,
        )
