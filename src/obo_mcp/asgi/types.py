"""The shapes of ASGI 3, as far as this package uses them (ASGI specification 3.0)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from obo_mcp.errors import OboError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Refuse = Callable[[OboError], bool]
"""Has a refusal answered in place of the application's own answer; False if that has begun."""
