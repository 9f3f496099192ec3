"""One answer of Graph: status, headers and bytes, read only as far as needed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

from obo_graph.errors import NO_ANSWER, GraphFailure

Json = dict[str, Any]
"""A JSON object as `json` reads it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower-case; a Location may open a file for its holder."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Json:
        """The body as a JSON object.

        Raises:
            GraphFailure: it is none, whatever the status said.
        """
        try:
            value = _read(self.body)
        except (ValueError, RecursionError):
            raise GraphFailure(NO_ANSWER, "unexpected", request_id=self._request_id) from None
        if not isinstance(value, dict):
            raise GraphFailure(NO_ANSWER, "unexpected", request_id=self._request_id)
        return value

    def optional_json(self) -> Json:
        """The body as a JSON object; {} where there is none, as after an action.

        Raises:
            GraphFailure: there is a body that is none.
        """
        return self.json() if self.body.strip() else {}

    def failure(self) -> GraphFailure | None:
        """What this answer says went wrong; None for a success or a redirect."""
        if self.status < HTTPStatus.BAD_REQUEST:
            return None
        error = self._error()
        code = "claims_challenge" if self._wants_claims else str(error.get("code", ""))
        return GraphFailure(
            self.status,
            code,
            detail=str(error.get("message", "")),
            request_id=self._request_id,
            retry_after=self.headers.get("retry-after", ""),
        )

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate header; "" if there is none."""
        return self.headers.get("www-authenticate", "")

    @property
    def _request_id(self) -> str:
        return self.headers.get("request-id", "")

    @property
    def _wants_claims(self) -> bool:
        # A challenge that could be read was answered before (`Access`); this one could not.
        return self.status == HTTPStatus.UNAUTHORIZED and 'claims="' in self.challenge

    def _error(self) -> Json:
        # Gateways answer HTML or nothing at all; then the status has to do.
        try:
            error = _read(self.body)["error"]
        except (ValueError, RecursionError, KeyError, TypeError):
            return {}
        return error if isinstance(error, dict) else {}


def _read(body: bytes) -> Any:
    try:
        return from_json(body)  # twice as fast as json, and in the tree with pydantic
    except ValueError:
        # It refuses half a surrogate pair, which a preview that Exchange has cut may end in.
        return json.loads(body)
