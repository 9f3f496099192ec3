"""Node and the packages of package-lock.json, kept from everything that is this user's."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "node_modules" / ".bin"
OLDEST = (22, 19)


class NodeIsMissing(Exception):
    """Node itself, or the packages."""


@dataclass(frozen=True)
class Ended:
    """How a program ended. A failing assertion shows the code; what else it shows is its choice."""

    code: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)


class Node:
    """Runs the programs of the packages with `home` for their home and working directory."""

    def __init__(self, runtime, home):
        self._runtime = runtime
        self._home = home

    def run(self, program, *arguments, token=None):
        """Every request of the program carries `token`; no command line and no output does."""
        done = subprocess.run(
            [self._runtime, PROGRAMS / program, *arguments],
            env=self._environment(token), cwd=self._home, timeout=100,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ended(done.returncode, _without(token, done.stdout), _without(token, done.stderr))

    def _environment(self, token):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "MCP_INSPECTOR_SECRET_STORE": "memory",  # not the keyring of whoever runs the tests
        }
        if token:
            preload = (FOLDER / "bearer.mjs").as_uri()
            environment |= {"NODE_OPTIONS": f"--import={preload}", "MCP_BEARER": token.reveal()}
        return environment


def _without(token, text):
    return text.replace(token.reveal(), "<access token>") if token else text


def find_runtime():
    """The Node among the packages (Linux on x64 only), else the one of this machine."""
    if not all((PROGRAMS / name).exists() for name in ("conformance", "mcp-inspector")):
        raise NodeIsMissing("the npm packages are not installed")
    for candidate in (PROGRAMS / "node", shutil.which("node")):
        if candidate and Path(candidate).exists() and _version(candidate) >= OLDEST:
            return candidate
    raise NodeIsMissing("there is no Node >= " + ".".join(map(str, OLDEST)))


def _version(runtime):
    told = subprocess.run([runtime, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", told.stdout)
    return tuple(map(int, found.groups())) if found else (0, 0)
