"""What to sign in to: from the command line, the environment and the sign-in before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import typer

from obo_cli.credentials import CredentialStore, Login
from obo_cli.outcome import CommandFailed, ExitCode
from obo_cli.public_client import own_scopes

PUBLIC_CLOUD = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the options say; empty where they say nothing.

    `typed` tells whether any of it was typed, and not only found in the environment.
    """

    tenant: str
    client_id: str
    scopes: Sequence[str]
    authority_host: str
    ca_bundle: Path | None
    typed: bool

    def login(self, store: CredentialStore) -> Login:
        """Where to sign in, and for what, with nobody's account in it yet.

        Tenant, client and scope together stand for themselves. With less, the earlier sign-in
        fills what is missing; with nothing typed, it is repeated as it was.

        Raises:
            CommandFailed: a part is missing and no earlier sign-in has it, what was kept of the
                earlier one cannot be used, or the authority's host is no https address.
        """
        whole = self.tenant and self.client_id and own_scopes(list(self.scopes))
        last = None if whole else store.last()
        if last is None:
            return _complete(self)
        return _complete(self.filled_from(last)) if self.typed else last

    def filled_from(self, last: Login) -> "Wish":
        """This wish, with what it leaves open taken from `last`.

        A certificate bundle belongs to a host: it is taken over only along with that.
        """
        host, _, tenant = last.authority.rpartition("/")
        same_host = self.authority_host.rstrip("/") in {"", host}
        remembered = Path(last.ca_bundle) if last.ca_bundle and same_host else None
        return replace(
            self,
            tenant=self.tenant or tenant,
            client_id=self.client_id or last.client_id,
            scopes=own_scopes(list(self.scopes)) or last.scopes,
            authority_host=self.authority_host or host,
            ca_bundle=self.ca_bundle or remembered,
        )


def typed_any(context: typer.Context, names: Sequence[str]) -> bool:
    """Whether one of the parameters `names` stood on the command line itself."""
    sources = (context.get_parameter_source(name) for name in names)
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def _complete(wish: Wish) -> Login:
    scopes = own_scopes(list(wish.scopes))
    if not (wish.tenant and wish.client_id and scopes):
        words = "Name --tenant, --client-id and --scope: no earlier sign-in has them."
        raise CommandFailed(ExitCode.USAGE, words)
    return Login(
        authority=f"{_https(wish.authority_host or PUBLIC_CLOUD)}/{wish.tenant}",
        client_id=wish.client_id,
        scopes=tuple(scopes),
        account="",
        ca_bundle=str(wish.ca_bundle.resolve()) if wish.ca_bundle else None,
    )


def _https(authority_host: str) -> str:
    host = urlsplit(authority_host)
    if host.scheme != "https" or not host.hostname:
        words = f"--authority-host must be an https address, not {authority_host!r}."
        raise CommandFailed(ExitCode.USAGE, words)
    return authority_host.rstrip("/")
