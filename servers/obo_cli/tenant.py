"""`obo-mcp tenant`: a tenant on this machine, until it is told to stop."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure
from obo_cli.public_client import trust
from obo_tenant.serve import LocalTenant

DEFAULT_PORT = 8443
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
        CommandFailed: the port is taken.
    """
    folder = state_dir or Path(typer.get_app_dir("obo-mcp")) / "tenant"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as running:
        try:
            local = running.enter_context(LocalTenant(port=port, state_dir=folder))
        except OSError as failure:
            words = f"Port {port} cannot be used: {failure.strerror}. Choose another."
            raise CommandFailed(ExitCode.USAGE, words) from None
        yield local


def about_tenant(local: LocalTenant) -> dict[str, Any]:
    """What the tenant tells about itself: apps, people, addresses."""
    with httpx.Client(verify=trust(local.ca_path), trust_env=False) as http:
        about: dict[str, Any] = http.get(f"{local.url}/_tenant/").raise_for_status().json()
        return about


def in_words(about: dict[str, Any]) -> str:
    """The settings of a server in this tenant, and who can sign in, for people."""
    server = about["apps"]["mcp-server"]
    lines = [
        "# A server in this tenant needs:",
        f"export OBO_MCP_TENANT_ID={about['tenant_id']}",
        f"export OBO_MCP_CLIENT_ID={server['client_id']}",
        f"export OBO_MCP_CLIENT_SECRET={server['client_secret']}",
        "export OBO_MCP_REQUIRED_SCOPE=mcp.access",
        "export OBO_MCP_RESOURCE_URL=http://127.0.0.1:8000/mcp",
        f"export OBO_MCP_AUTHORITY_HOST={about['graph_url']}",
        f"export OBO_MCP_GRAPH_URL={about['graph_url']}",
        f"export OBO_MCP_GRAPH_RESOURCE={about['graph_resource']}",
        f"export OBO_MCP_CA_BUNDLE={about['ca_path']}",
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
