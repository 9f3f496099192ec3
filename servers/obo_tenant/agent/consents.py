"""Who has connected: sign-ins under way, and the grant that each person's consent gave."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from obo_tenant.agent.bounded import Bounded
from obo_tenant.agent.connection import Connection, TokenEndpointDown, TokenRefused, new_verifier
from obo_tenant.agent.grant import Grant
from obo_tenant.agent.person import NoPerson, PersonId

SIGN_IN_LIFETIME_SECONDS = 600
_MOST_PEOPLE, _MOST_SIGN_INS = 10_000, 2_000


class SignInFailed(Exception):
    """The person could not be connected; the text is for that person, `code` for programs."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignIn:
    person: PersonId
    response_id: str
    verifier: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class Connected:
    """A person's sign-in that ended well, and the response that asked for it."""

    grant: Grant
    response_id: str


class Consents:
    """Grants and pending sign-ins, bounded, each bound to exactly one person."""

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock
        self._grants: Bounded[PersonId, Grant] = Bounded(_MOST_PEOPLE)
        self._renewals: Bounded[PersonId, anyio.Lock] = Bounded(_MOST_PEOPLE)
        self._sign_ins: Bounded[str, _SignIn] = Bounded(_MOST_SIGN_INS)

    def link(self, person: PersonId, response_id: str) -> str:
        """A consent link that only this person can finish, once, within ten minutes."""
        state, verifier = secrets.token_urlsafe(32), new_verifier()
        sign_in = _SignIn(
            person=person,
            response_id=response_id,
            verifier=verifier,
            expires_at=self._clock() + SIGN_IN_LIFETIME_SECONDS,
        )
        self._sign_ins.put(state, sign_in)
        return self._connection.consent_link(state, verifier)

    def abandon(self, state: str) -> None:
        """Forget a sign-in that the person declined."""
        self._sign_ins.take(state)

    async def finish(self, code: str, state: str) -> Connected:
        """Redeem a code and keep the grant, if the person is the one who asked.

        Raises:
            SignInFailed: the state is unknown, used or expired; the code is refused; or
                somebody else signed in. Nothing is kept then.
        """
        sign_in = self._sign_ins.take(state)
        if sign_in is None or sign_in.expires_at <= self._clock():
            words = "This link has been used or has expired. Ask the agent again for a new one."
            raise SignInFailed(400, "invalid_state", words)
        grant = await self._redeemed(code, sign_in.verifier)
        if grant.person != sign_in.person:
            words = "You signed in as somebody else than the person who asked. Nothing was kept."
            raise SignInFailed(403, "wrong_person", words)
        self._grants.put(grant.person, grant)
        return Connected(grant, sign_in.response_id)

    async def _redeemed(self, code: str, verifier: str) -> Grant:
        try:
            return await self._connection.redeem(code, verifier)
        except (TokenRefused, NoPerson) as failure:
            words = f"The sign-in was not accepted: {failure}"
            raise SignInFailed(400, "sign_in_refused", words) from failure
        except TokenEndpointDown as failure:
            words = f"The sign-in could not be completed. {failure}"
            raise SignInFailed(502, "token_endpoint_down", words) from failure

    async def grant_of(self, person: PersonId) -> tuple[Grant | None, str]:
        """The person's usable grant, and whether it was `stored` or `refreshed`; None without one.

        Requests of one person that meet an expiring token renew it once, together.

        Raises:
            TokenEndpointDown: the token could not be renewed for lack of an answer.
        """
        grant = self._grants.get(person)
        if grant is None or grant.is_fresh(self._clock()):
            return grant, "stored"
        async with self._renewal(person):
            current = self._grants.get(person)
            if current is None or current.is_fresh(self._clock()):
                return current, "stored"
            return await self._renew(current), "refreshed"

    def distrust(self, grant: Grant) -> None:
        """The server refused this token: renew it before the person's next call."""
        if self._grants.get(grant.person) is grant:
            self._grants.put(grant.person, grant.spent())

    async def _renew(self, grant: Grant) -> Grant | None:
        try:
            renewed = await self._connection.refresh(grant)
        except (TokenRefused, NoPerson):
            renewed = None
        if renewed is None or renewed.person != grant.person:
            self._grants.take(grant.person)
            return None
        self._grants.put(renewed.person, renewed)
        return renewed

    def _renewal(self, person: PersonId) -> anyio.Lock:
        lock = self._renewals.get(person) or anyio.Lock()
        self._renewals.put(person, lock)
        return lock
