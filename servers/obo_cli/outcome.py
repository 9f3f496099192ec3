"""How a command ends: its exit codes, and the failure that carries one with words for people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

_ADDRESS = re.compile(r"[^\s'\"<>(]+@[^\s'\"<>)]+")


class ExitCode(IntEnum):
    """What scripts may rely on."""

    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    UNREACHABLE = 4
    TOOL_ERROR = 5


class CommandFailed(Exception):
    """The command cannot go on. The text is one or two lines for the person who typed it."""

    def __init__(self, code: ExitCode, words: str) -> None:
        super().__init__(words)
        self.code = code


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """Turn a `CommandFailed` into its words on stderr and its exit code."""
    try:
        yield
    except CommandFailed as failure:
        typer.echo(printable(str(failure)), err=True)
        raise typer.Exit(failure.code) from None


def printable(text: str) -> str:
    """Text from elsewhere without the control characters that could drive a terminal."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def said_by_entra(description: str) -> str:
    """An error description without trace ids, and without anybody's sign-in name."""
    sentence = re.split(r"\s*Trace ID:", description, maxsplit=1)[0]
    return _ADDRESS.sub("(somebody)", sentence.strip())
