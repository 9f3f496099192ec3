"""The demo on paper: for people as tables, for programs as one JSON object."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from obo_cli.demo.checks import Checks
from obo_cli.demo.hops import Hop
from obo_cli.demo.refusals import Refusal
from obo_cli.demo.walk import Asked, Walk

_LONGEST = 160
_COLUMNS = ("from", "to", "who", "audience", "scope", "actor", "left", "how", "ms")


@dataclass(slots=True)
class Report:
    """Everything there is to tell."""

    walks: list[Walk] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The whole report as plain data; no token in it."""
        return {
            "ok": not self.checks.surprises,
            "seconds": round(self.seconds, 2),
            "walks": [_walk(walk) for walk in self.walks],
            "refused": [refusal.as_json() for refusal in self.refused],
            "checks": [{"expected": text, "met": met} for text, met in self.checks.made],
        }

    def print(self, console: Console) -> None:
        """Print it for people."""
        for walk in self.walks:
            console.rule(f"{walk.person}, signed in by {walk.how}")
            for asked in walk.asked:
                _print_question(console, asked)
        console.rule("Refused")
        for refusal in self.refused:
            console.print(f"[bold]{refusal.attempt}[/] → HTTP {refusal.status}")
            console.print(f"  {refusal.words}", highlight=False, markup=False)
        self._print_summary(console)

    def _print_summary(self, console: Console) -> None:
        console.rule("Summary")
        met = len(self.checks.made) - len(self.checks.surprises)
        console.print(f"{met} of {len(self.checks.made)} expectations met, {self.seconds:.1f} s")
        for surprise in self.checks.surprises:
            console.print(f"SURPRISE: {surprise}", style="bold red", markup=False)


def _walk(walk: Walk) -> dict[str, Any]:
    asked = [
        {"question": one.question, "said": one.said, "hops": [hop.as_json() for hop in one.hops]}
        for one in walk.asked
    ]
    return {"person": walk.person, "signed_in_by": walk.how, "asked": asked}


def _print_question(console: Console, asked: Asked) -> None:
    console.print(f"\n[bold]{asked.question}[/]")
    table = Table(*_COLUMNS, box=None, pad_edge=False, header_style="dim")
    for hop in asked.hops:
        table.add_row(*_cells(hop))
    console.print(table)
    said = " ".join(asked.said.split())
    if not said:
        return
    shown = said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
    console.print(f"→ {shown}", highlight=False, markup=False)


def _cells(hop: Hop) -> tuple[str, ...]:
    left = f"{hop.lifetime_seconds // 60} min" if hop.lifetime_seconds is not None else ""
    spent = f"{hop.milliseconds:.0f}" if hop.milliseconds is not None else ""
    cells = (hop.sender, hop.receiver, hop.person, hop.audience, _few(hop.scope), hop.actor)
    return (*cells, left, hop.how, spent)


def _few(scopes: str) -> str:
    """The first scope without its resource, and how many more there are."""
    names = [scope.rpartition("/")[2] for scope in scopes.split()]
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return "".join(names[:1]) + more
