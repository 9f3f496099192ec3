"""What an interaction is for: the pages ask, and what begins and ends them is someone else's."""

from typing import Protocol

from starlette.responses import Response

from obo_tenant.apps import Application
from obo_tenant.browsers import Session
from obo_tenant.claims import ClaimsRequest
from obo_tenant.directory import Account
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked
from obo_tenant.tenant import Tenant


class Purpose(Protocol):
    """What an interaction is for: whose request, and what to do at its end."""

    @property
    def tenant(self) -> Tenant:
        """Whose people may sign in."""
        ...

    @property
    def client(self) -> Application:
        """Who asks."""
        ...

    @property
    def asked(self) -> Asked:
        """For what."""
        ...

    @property
    def login_hint(self) -> str:
        """The sign-in name to begin with."""
        ...

    @property
    def device(self) -> bool:
        """Whether the answer goes to a device, so that the person must approve in any case."""
        ...

    @property
    def ask_again(self) -> bool:
        """Whether to ask even for what is consented already."""
        ...

    @property
    def for_everybody(self) -> bool:
        """Whether the consent is to count for the whole organization."""
        ...

    @property
    def claims(self) -> ClaimsRequest:
        """What the tokens are to be good for beyond that."""
        ...

    def over(self) -> Response | None:
        """What to show when the answer can no longer reach anybody; None while it can."""
        ...

    def finish(self, account: Account, session: Session) -> Response:
        """The person signed in and allowed everything."""
        ...

    def decline(self, refusal: Refusal) -> Response:
        """The person said no, or may not say yes."""
        ...
