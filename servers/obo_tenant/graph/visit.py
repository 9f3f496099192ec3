"""One admitted request: who asks, for what, in which form the answer is wanted."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from obo_tenant.graph.errors import Area
from obo_tenant.graph.odata.options import Options
from obo_tenant.graph.odata.page import Page, before_first
from obo_tenant.graph.prefer import Preferences
from obo_tenant.graph.quirks import Quirks
from obo_tenant.graph.store import Belongings

Dispatch = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Response]]
"""Sends one more request as the same caller: method, URL below `/v1.0`, headers, body."""


LARGEST_BODY = 4 * 1024 * 1024 + 64 * 1024
"""What one request may carry, in bytes (Graph "Best practices", "write requests")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Everything that an endpoint may know. `origin` is the tenant's, `path` as it was asked.

    `person` is whom the path names, where that is somebody else; `addressee` gives the belongings
    of the person of the cloud who has an address.
    """

    owner: Belongings
    scopes: frozenset[str]
    variables: Mapping[str, str]
    options: Options
    prefer: Preferences
    origin: str
    path: str
    now: datetime
    dispatch: Dispatch
    addressee: Callable[[str], Belongings | None]
    person: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def may(self, *scopes: str) -> bool:
        """Whether the caller holds one of these scopes."""
        return not self.scopes.isdisjoint(scopes)

    def context(self, suffix: str) -> str:
        """The `@odata.context` of an answer."""
        return f"{self.origin}/v1.0/$metadata#{suffix}"

    def mine(self, suffix: str) -> str:
        """The `@odata.context` of something below the caller's own user."""
        return self.context(f"users('{self.owner.profile.oid}')/{suffix}")

    def one(self, context: str, entity: Mapping[str, Any], status: int = 200) -> Response:
        """Answer with a single entity."""
        return json_response({"@odata.context": context, **self.quirks.entity(entity)}, status)

    def many(
        self, context: str, page: Page, shown: list[dict[str, Any]], total: int | None = None
    ) -> Response:
        """Answer with a page of a collection; `total` only where `$count=true` was asked."""
        body: dict[str, Any] = {"@odata.context": context}
        if total is not None:
            body["@odata.count"] = total
        if self.quirks.empty_pages and self.options.skip_token is None and not self.options.skip:
            page, shown = before_first(self.options), []
        body["value"] = [self.quirks.entity(each) for each in shown]
        if page.next_query is not None:
            body["@odata.nextLink"] = f"{self.origin}{self.path}?{page.next_query}"
        return json_response(body)


def json_response(body: Mapping[str, Any], status: int = 200) -> Response:
    """JSON with the media type parameters that Graph sends."""
    media_type = (
        "application/json;odata.metadata=minimal;odata.streaming=true;"
        "IEEE754Compatible=false;charset=utf-8"
    )
    return JSONResponse(body, status, media_type=media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A path, what it needs and who answers.

    `pattern` holds literal segments (any case) and `{names}`; a caller with any one of `scopes` may
    pass (none: the endpoint checks). `area` decides the words of refusals, and whether the mailbox
    limit counts the request. `for_others` says that the endpoint itself answers for a path that
    names somebody else. A larger body than `largest_body` bytes is refused (413).
    """

    pattern: tuple[str, ...]
    scopes: frozenset[str]
    area: Area
    answer: Callable[[Visit], Response | Awaitable[Response]]
    method: str = "GET"
    for_others: bool = False
    largest_body: int = LARGEST_BODY


def operations(
    area: Area,
    scopes: str,
    *listed: tuple[str, Callable[[Visit], Response]],
    below: str = "me",
    method: str = "GET",
) -> tuple[Operation, ...]:
    """Several paths below `below` that need the same scopes; `me` also answers as `users/{id}`."""
    return tuple(
        Operation(
            pattern=tuple(part for part in (below, *path.split("/")) if part),
            scopes=frozenset(scopes.split()),
            area=area,
            answer=answer,
            method=method,
        )
        for path, answer in listed
    )
