"""The command `obo-mcp`: its verbs, and nothing else."""

import sys

try:
    import typer
except ImportError:
    sys.exit("The command line needs the extra 'server': pip install 'obo-mcp[server,tenant]'")

from obo_cli.call import call
from obo_cli.demo import demo
from obo_cli.login import login
from obo_cli.scopes import scopes
from obo_cli.serve import serve
from obo_cli.tenant import tenant

app = typer.Typer(
    help="On-behalf-of for MCP servers: try it, serve it, sign in, call it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (demo, serve, tenant, login, call, scopes):
    app.command()(verb)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
