"""`obo-mcp tenant`: a tenant on this machine, until it is told to stop."""

import errno
import json
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from obo_cli.folder import own_folder
from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure
from obo_cli.public_client import trust
from obo_tenant.serve import LocalTenant

DEFAULT_PORT = 8443
_OF_THE_PORT = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
StateDir = Annotated[
    Path | None,
    typer.Option(help="Where its certificate authority is kept, so that it is trusted once."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what it is, as JSON, on stdout.")]


def tenant(
    *, port: Port = DEFAULT_PORT, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """Start Entra, Graph and an agent on this machine; Ctrl+C stops them."""
    told_to_stop = stop_signal()
    with exit_on_failure(), local_tenant(port, state_dir) as local:
        about = about_tenant(local)
        typer.echo(json.dumps(about) if as_json else in_words(about))
        told_to_stop.wait()


@contextmanager
def local_tenant(port: int, state_dir: Path | None) -> Iterator[LocalTenant]:
    """A running tenant, kept in the user's own folder unless `state_dir` names another.

    Raises:
        CommandFailed: the port is taken, or the folder cannot be used.
    """
    with ExitStack() as running:
        try:
            folder = state_dir or own_folder() / "tenant"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            local = running.enter_context(LocalTenant(port=port, state_dir=folder))
        except (OSError, ValueError) as failure:
            raise CommandFailed(ExitCode.USAGE, _why_not(failure, port)) from None
        yield local


def _why_not(failure: OSError | ValueError, port: int) -> str:
    """Only what is wrong with a file names one; a socket's failure does not."""
    if isinstance(failure, OSError):
        if failure.filename is not None:
            return f"The tenant cannot be kept in {failure.filename}: {failure.strerror}."
        if failure.errno in _OF_THE_PORT:
            return f"Port {port} cannot be used: {failure.strerror}. Choose another."
    return f"The tenant does not start: {failure}."


def about_tenant(local: LocalTenant) -> dict[str, Any]:
    """What the tenant tells about itself: apps, people, addresses."""
    with httpx.Client(verify=trust(local.ca_path), trust_env=False) as http:
        about: dict[str, Any] = http.get(f"{local.url}/_tenant/").raise_for_status().json()
        return about


def in_words(about: dict[str, Any]) -> str:
    """The settings of a server in this tenant, and who can sign in, for people."""
    server, user_app = about["apps"]["mcp-server"], about["apps"]["user-app"]
    settings = {
        "OBO_MCP_TENANT_ID": about["tenant_id"],
        "OBO_MCP_CLIENT_ID": server["client_id"],
        "OBO_MCP_CLIENT_SECRET": server["client_secret"],
        "OBO_MCP_REQUIRED_SCOPE": "mcp.access",
        "OBO_MCP_RESOURCE_URL": "http://127.0.0.1:8000/mcp",
        "OBO_MCP_AUTHORITY_HOST": about["graph_url"],
        "OBO_MCP_GRAPH_URL": about["graph_url"],
        "OBO_MCP_GRAPH_RESOURCE": about["graph_resource"],
        "OBO_MCP_CA_BUNDLE": about["ca_path"],
    }
    lines = [
        "# A server in this tenant needs:",
        *(f"export {name}={shlex.quote(value)}" for name, value in settings.items()),
        f"# A person signs in with --client-id {shlex.quote(user_app['client_id'])}",
        "# People who can sign in (their passwords open nothing but this tenant):",
    ]
    lines += [
        f"#   {person['user_principal_name']:<24} {person['password']}"
        for person in about["people"].values()
    ]
    return "\n".join(lines)


def stop_signal() -> threading.Event:
    """From now on, SIGINT and SIGTERM set this event instead of ending the process."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
