"""`obo-mcp serve`: the Graph server, for the public cloud or on a tenant of its own."""

import contextlib
import shlex
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

import obo_graph.__main__ as graph
from obo_cli.demo.server import GraphServer, graph_server
from obo_cli.demo.stage import server_settings
from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure
from obo_cli.tenant import DEFAULT_PORT, about_tenant, local_tenant, stop_signal

_LOOK_SECONDS = 0.25

Local = Annotated[bool, typer.Option("--local", help="With a tenant on this machine.")]
TenantPort = Annotated[int, typer.Option(min=0, max=65535, help="Of the local tenant.")]


def serve(*, local: Local = False, tenant_port: TenantPort = DEFAULT_PORT) -> None:
    """Serve the Graph tools; OBO_MCP_* settings say for whom and where."""
    if local:
        with exit_on_failure():
            _serve_local(tenant_port)
    else:
        raise typer.Exit(graph.main([]))


def _serve_local(port: int) -> None:
    told_to_stop = stop_signal()
    with local_tenant(port, None) as local, tempfile.TemporaryDirectory() as scratch:
        about = about_tenant(local)
        settings = server_settings(about, local.url)
        with graph_server(settings, Path(scratch), _pass_on) as server:
            typer.echo(_how_to_connect(about, local.url, server.url), err=True)
            typer.echo(server.url)
            _wait(told_to_stop, server)


def _wait(told_to_stop: threading.Event, server: GraphServer) -> None:
    """Until told to stop. Raises CommandFailed when the server ends before that."""
    while not told_to_stop.wait(_LOOK_SECONDS):
        if server.died():
            last = "\n".join(server.last_lines())
            words = f"The Graph server has ended by itself. The last it wrote:\n{last}"
            raise CommandFailed(ExitCode.FAILED, words)


def _pass_on(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads us any more: the server goes on
        typer.echo(line, err=True)


def _how_to_connect(about: dict[str, Any], tenant_url: str, server_url: str) -> str:
    app, ca_path = about["apps"], shlex.quote(about["ca_path"])
    scope = f"{app['mcp-server']['identifier_uri']}/mcp.access"
    people = ", ".join(
        f"{person['user_principal_name']} ({person['password']})"
        for person in about["people"].values()
    )
    return f"""\
The Graph server listens on {server_url}
The tenant is {tenant_url}; its certificate authority is {about["ca_path"]}
People who can sign in: {people}

Sign in, then call a tool:
  obo-mcp login --tenant {about["tenant_id"]} --client-id {app["user-app"]["client_id"]} \\
    --scope {scope} --authority-host {tenant_url} --ca-bundle {ca_path}
  obo-mcp call {server_url} mail_search query=budget

With curl (the tenant makes a token for Adele):
  TOKEN=$(curl -s --cacert {ca_path} {tenant_url}/_tenant/tokens \\
    -H 'Content-Type: application/json' -d '{{"person":"adele","resource":"mcp-server",
    "client":"user-app","scopes":["mcp.access"]}}' | cut -d '"' -f 4)
  curl -s {server_url} -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' \\
    -H 'Accept: application/json, text/event-stream' \\
    -d '{{"jsonrpc":"2.0","id":1,"method":"tools/list"}}'

With MCP Inspector:
  npx @modelcontextprotocol/inspector --cli {server_url} --transport http \\
    --header "Authorization: Bearer $TOKEN" --method tools/list

Ctrl+C stops both."""
