import os
from contextlib import closing

import pytest
import typer
from typer.testing import CliRunner

from obo_cli import call, login
from obo_tenant.serve import LocalTenant
from unit.clients.entra import Entra, Verifier
from unit.clients.small_server import Refused, running


def fixed_tokens(token):
    """Words instead of tokens: each asks the gate for one behaviour."""
    if token == "good":
        return {"oid": "somebody"}
    if token == "narrow":
        challenge = (
            'Bearer error="insufficient_scope", scope="api://x/mcp.admin", '
            'error_description="mcp.admin is needed"'
        )
        raise Refused(403, {"WWW-Authenticate": challenge})
    if token == "busy":
        raise Refused(503, {"Retry-After": "7"}, {"error_description": "keys cannot be fetched"})
    challenge = 'Bearer error="invalid_token", error_description="the access token has expired"'
    raise Refused(401, {"WWW-Authenticate": challenge})


@pytest.fixture(scope="session")
def small_server():
    with running(fixed_tokens) as (url, _):
        yield url


@pytest.fixture(scope="session")
def entra():
    with LocalTenant(port=0, state_dir=None) as local:
        entra = Entra(local)
        with closing(entra.http):
            yield entra


@pytest.fixture(scope="session")
def delegated_server(entra):
    """A small MCP server that takes only delegated tokens of the tenant, made for it."""
    verify = Verifier(entra.keys(), entra.apps["mcp-server"]["client_id"], "mcp.access")

    def check(token):
        try:
            return verify(token)
        except PermissionError as failure:
            challenge = f'Bearer error="invalid_token", error_description="{failure}"'
            raise Refused(401, {"WWW-Authenticate": challenge}) from None

    with running(check) as (url, gate):
        yield url, gate


@pytest.fixture
def delegated_url(delegated_server):
    return delegated_server[0]


@pytest.fixture
def obo_app():
    """The verbs as a command line of their own."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(login.login)
    app.command()(call.call)
    return app


@pytest.fixture
def obo(obo_app):
    """Run a command line; gives click's result with exit_code, stdout and stderr."""

    unset = {name: None for name in os.environ if name.startswith("OBO_MCP_")}

    def run(*words, stdin=None, env=None):
        line = [str(word) for word in words]
        return CliRunner().invoke(obo_app, line, input=stdin, env=unset | (env or {}))

    return run
