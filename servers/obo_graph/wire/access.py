"""A person's access to Graph during one tool call: their token, and one more if Graph wants it.

Graph may refuse a token before its end with a claims challenge (Entra, "Continuous access
evaluation"), and only clients that answer such challenges may ask for tokens of this kind.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Self

from obo_graph.wire.answer import Answer
from obo_mcp import TokenSource


class Access:
    """The token of one tool call; renewed at most once, so that no challenge goes round for ever.

    After a renewal the call's other requests use the new token too.
    """

    def __init__(self, tokens: TokenSource, token: str) -> None:
        self._tokens = tokens
        self._first = self._token = token

    @classmethod
    async def of(cls, tokens: TokenSource) -> Self:
        """The access that a person has now.

        Raises:
            OboError: there is no token for them.
        """
        return cls(tokens, await tokens.token())

    async def answer(self, send: Callable[[str], Awaitable[Answer]]) -> Answer:
        """What `send` gets with the token; after a challenge, what it gets with the new one.

        Raises:
            InteractionRequired: the authority gives no new token, or Graph challenges that one
                as well: the person has to sign in with the claims that it carries.
            OboError: the new token cannot be had.
        """
        token = self._token
        answer = await send(token)
        if answer.status == HTTPStatus.UNAUTHORIZED and token == self._first:
            renewed = await self._tokens.renewed(token, answer.challenge)
            if renewed is None:
                return answer
            self._token = renewed
            answer = await send(renewed)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            step_up = self._tokens.step_up(answer.challenge)
            if step_up.claims:
                raise step_up
        return answer

    async def renew(self, challenge: str) -> bool:
        """Whether there is a new token, after one step of a batch answered `challenge`.

        Raises:
            InteractionRequired, OboError: as `answer`.
        """
        if self._token != self._first:
            step_up = self._tokens.step_up(challenge)
            if step_up.claims:
                raise step_up
            return False
        renewed = await self._tokens.renewed(self._token, challenge)
        self._token = renewed or self._token
        return renewed is not None
