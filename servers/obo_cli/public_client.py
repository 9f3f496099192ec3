"""The command line as an OAuth public client: MSAL, with our own HTTP underneath."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS

from obo_cli.credentials import CredentialStore, Login
from obo_cli.outcome import CommandFailed, ExitCode, said_by_entra
from obo_mcp.network import tls_context, trusted_roots

_TIMEOUT_SECONDS = 30.0
_RESERVED = {"openid", "profile", "offline_access"}  # MSAL adds these and refuses to be told
_SIGN_IN = "Sign in with: obo-mcp login"


class TokenHttp:
    """What MSAL needs of an HTTP client.

    Trust and time-out are given with each request: given to the connection pool, requests would
    let REQUESTS_CA_BUNDLE override the one and has no notion of the other.
    """

    def __init__(self, pool: requests.Session, roots: str) -> None:
        self._pool = pool
        self._roots = roots

    def get(self, url: str, **options: Any) -> requests.Response:
        """GET, as requests does it."""
        return self._pool.get(url, timeout=_TIMEOUT_SECONDS, verify=self._roots, **options)

    def post(self, url: str, **options: Any) -> requests.Response:
        """POST, as requests does it."""
        return self._pool.post(url, timeout=_TIMEOUT_SECONDS, verify=self._roots, **options)

    def close(self) -> None:
        """Drop open connections."""
        self._pool.close()


@contextmanager
def public_client(
    authority: str, client_id: str, store: CredentialStore, ca_bundle: Path | None
) -> Iterator[Any]:
    """An MSAL `PublicClientApplication` whose tokens live in `store`.

    Raises:
        CommandFailed: the authority cannot be reached, or is none, or `ca_bundle` holds no
            certificate; also for what MSAL meets inside the block.
    """
    trust(ca_bundle)
    with requests.Session() as pool, _readable_failures(authority):
        yield msal.PublicClientApplication(
            client_id,
            authority=authority,
            token_cache=store.cache(authority, client_id),
            http_client=TokenHttp(pool, trusted_roots(ca_bundle)),
            instance_discovery=urlsplit(authority).hostname in WELL_KNOWN_AUTHORITY_HOSTS,
        )


def silent_token(store: CredentialStore, login: Login, ca_bundle: Path | None) -> str:
    """An access token for a remembered sign-in, renewed if need be.

    Raises:
        CommandFailed: the person must sign in again, or the authority cannot be reached.
    """
    with public_client(login.authority, login.client_id, store, ca_bundle) as client:
        accounts = client.get_accounts()
        account = next((a for a in accounts if a["local_account_id"] == login.account), None)
        if account is None:
            raise CommandFailed(ExitCode.NOT_SIGNED_IN, f"Nobody is signed in. {_SIGN_IN}")
        result = client.acquire_token_silent_with_error(list(login.scopes), account=account)
        return str(accepted(result)["access_token"])


def accepted(result: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """MSAL's result, if it is a token.

    Raises:
        CommandFailed: it is an error; the words are Entra's own, shortened.
    """
    if result and "access_token" in result:
        return result
    error = result or {}
    words = said_by_entra(str(error.get("error_description") or error.get("error") or "expired"))
    raise CommandFailed(ExitCode.NOT_SIGNED_IN, f"Not signed in: {words}\n{_SIGN_IN}")


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """Whose certificates to believe. Raises CommandFailed when `ca_bundle` holds none."""
    try:
        return tls_context(ca_bundle)
    except OSError:
        words = f"The certificates in {trusted_roots(ca_bundle)} cannot be read."
        raise CommandFailed(ExitCode.USAGE, words) from None


def own_scopes(scopes: list[str]) -> list[str]:
    """The scopes without those that MSAL adds itself, in order, each once."""
    return [scope for scope in dict.fromkeys(scopes) if scope not in _RESERVED]


@contextmanager
def _readable_failures(authority: str) -> Iterator[None]:
    try:
        yield
    except requests.exceptions.SSLError:
        words = f"{authority} shows a certificate that is not trusted here (see --ca-bundle)."
        raise CommandFailed(ExitCode.UNREACHABLE, words) from None
    except (requests.RequestException, OSError) as failure:
        words = f"{authority} cannot be reached ({type(failure).__name__})."
        raise CommandFailed(ExitCode.UNREACHABLE, words) from None
    except ValueError:
        words = f"{authority} does not answer as an Entra authority does: check the tenant."
        raise CommandFailed(ExitCode.USAGE, words) from None
