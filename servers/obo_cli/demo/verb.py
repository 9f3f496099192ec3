"""`obo-mcp demo`: run it all, print what happened."""

import json
import logging
import os
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from obo_cli.demo.refusals import refusals
from obo_cli.demo.report import Report
from obo_cli.demo.server import past_any_proxy
from obo_cli.demo.signin import with_browser, with_device_code
from obo_cli.demo.stage import stage
from obo_cli.demo.walk import walk
from obo_cli.outcome import exit_on_failure

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
_WIDTH = 150


def demo(*, as_json: AsJson = False) -> None:
    """Run the whole chain on this machine: two people, an agent, our server, a tenant."""
    logging.disable(logging.ERROR)
    os.environ |= past_any_proxy()
    with exit_on_failure():
        report = perform()
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        console = Console()
        console.width = max(console.width, _WIDTH)
        report.print(console)
    raise typer.Exit(1 if report.checks.surprises else 0)


def perform() -> Report:
    """Everything the demo does; what it found."""
    started = monotonic()
    report = Report()
    with stage(_tell) as here:
        _tell("Adele signs in by device code and asks the agent ...")
        report.walks.append(walk(here, "adele", "device code", with_device_code, report.checks))
        _tell("Megan signs in by browser and asks the same ...")
        report.walks.append(walk(here, "megan", "browser", with_browser, report.checks))
        shared = report.walks[0].ids() & report.walks[1].ids()
        report.checks.note("nothing was shown to both people", not shared)
        _tell("Now what must not work ...")
        report.refused += refusals(here, report.checks)
    report.seconds = monotonic() - started
    return report


def _tell(words: str) -> None:
    typer.echo(words, err=True)
