"""Codes and refresh tokens that the tenant has handed out and will take back."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from obo_tenant.clock import Clock

CODE_SECONDS = 600
DEVICE_SECONDS = 900
DEVICE_INTERVAL_SECONDS = 5
REFRESH_SECONDS = 90 * 24 * 3600
_MOST_KEPT = 100_000
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A person signed in to a client: what every delegated grant remembers.

    `scope` is the scope parameter as the client sent it, `target` the RFC 8707 one; `auth_time`
    (Unix seconds) is when the password was given, for a client that sent `max_age`. `proofs` are
    the ids of the Conditional Access policies that were met; `assertion_nbf` is that claim of the
    user assertion, where there is one.
    """

    client_id: str
    oid: str
    session_id: str
    scope: str
    target: str | None = None
    nonce: str | None = None
    auth_time: int | None = None
    proofs: frozenset[str] = frozenset()
    assertion_nbf: object = None


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code's meaning; `challenge` and `challenge_method` are PKCE (RFC 7636)."""

    sign_in: SignIn
    redirect_uri: str
    challenge: str | None
    challenge_method: str | None
    expires_at: float
    redeemed: bool = False


@dataclass(slots=True, kw_only=True)
class DeviceGrant:
    """A device waiting for its person (RFC 8628)."""

    client_id: str
    scope: str
    target: str | None
    user_code: str
    expires_at: float
    interval_seconds: int = DEVICE_INTERVAL_SECONDS
    polled_at: float | None = None
    declined: bool = False
    sign_in: SignIn | None = None

    def waiting(self, now: float) -> bool:
        """Whether nobody has answered yet and the code still counts at `now` (Unix seconds)."""
        return self.sign_in is None and not self.declined and self.expires_at > now


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token's meaning: bound to person and client, not to a resource."""

    sign_in: SignIn
    expires_at: float


class _Shelf(Generic[T]):
    """Values under unguessable keys; the oldest leaves when the shelf is full."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, T] = OrderedDict()

    def put(self, value: T, prefix: str) -> str:
        key = f"{prefix}.{secrets.token_urlsafe(32)}"
        self._values[key] = value
        while len(self._values) > _MOST_KEPT:
            self._values.popitem(last=False)
        return key

    def get(self, key: str) -> T | None:
        return self._values.get(key)

    def first(self, matches: Callable[[T], bool]) -> T | None:
        return next((value for value in self._values.values() if matches(value)), None)


class Grants:
    """Everything that can be traded for tokens at the token endpoint."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: _Shelf[Code] = _Shelf()
        self._devices: _Shelf[DeviceGrant] = _Shelf()
        self._refresh: _Shelf[RefreshToken] = _Shelf()

    def new_code(
        self, sign_in: SignIn, redirect_uri: str, challenge: str | None, method: str | None
    ) -> str:
        """An authorization code, good for ten minutes and one use."""
        code = Code(
            sign_in=sign_in,
            redirect_uri=redirect_uri,
            challenge=challenge,
            challenge_method=method,
            expires_at=self._clock() + CODE_SECONDS,
        )
        return self._codes.put(code, "1.code")

    def code(self, code: str) -> Code | None:
        """What the code stands for, redeemed or not."""
        return self._codes.get(code)

    def new_device(self, client_id: str, scope: str, target: str | None) -> tuple[str, DeviceGrant]:
        """A device code and what it stands for."""
        grant = DeviceGrant(
            client_id=client_id,
            scope=scope,
            target=target,
            user_code="".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(9)),
            expires_at=self._clock() + DEVICE_SECONDS,
        )
        return self._devices.put(grant, "device"), grant

    def device(self, device_code: str) -> DeviceGrant | None:
        """The device grant of that device code."""
        return self._devices.get(device_code)

    def device_by_user_code(self, typed: str) -> DeviceGrant | None:
        """The waiting device of a code that a person typed; case, blanks and dashes don't count."""
        wanted = typed.upper().replace("-", "").replace(" ", "")
        now = self._clock()
        return self._devices.first(lambda grant: grant.user_code == wanted and grant.waiting(now))

    def new_refresh_token(self, sign_in: SignIn) -> str:
        """A refresh token, good for 90 days from here."""
        return self._refresh.put(
            RefreshToken(sign_in, self._clock() + REFRESH_SECONDS), "1.refresh"
        )

    def refresh_token(self, token: str) -> RefreshToken | None:
        """What a refresh token stands for."""
        return self._refresh.get(token)
