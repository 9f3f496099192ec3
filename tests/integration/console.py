"""A person at a console: types a script, reads what comes, signs in with a browser."""

import os
import re
import ssl
import subprocess
import sys

import httpx

from obo_cli.demo.browser import Browser
from support.canary import CONSOLE, hear

OBO_MCP = f'obo-mcp() {{ "{sys.executable}" -m obo_cli "$@"; }}'


def started(script, home, **settings):
    """A bash script with `obo-mcp` in it, in an empty home and with the usual umask."""
    kept = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    return subprocess.Popen(
        ["bash", "-c", f"{OBO_MCP}\n{script}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=home, umask=0o022,
        env={name: os.environ[name] for name in kept if name in os.environ}
        | {"HOME": str(home)} | settings,
    )  # fmt: skip


def ended(process, given=""):
    """Its exit code and what it printed."""
    try:
        stdout, stderr = process.communicate(given, timeout=60)
    finally:
        process.kill()
    hear(CONSOLE, stderr)
    return process.returncode, stdout, stderr


def read_until(words, stream):
    told = ""
    while words not in told:
        line = stream.readline()
        assert line, told
        told += line
    return told


def sign_in(process, ca_path, typed):
    """Type the device code that the sign-in prints into a browser."""
    message = read_until(" code ", process.stderr)
    code = re.search(r"\bcode ([A-Z0-9-]+)", message)[1]
    address = re.search(r"https://\S+", message)[0]
    trust = ssl.create_default_context(cafile=ca_path)
    with httpx.Client(verify=trust, trust_env=False) as http:
        Browser(http, typed | {"user_code": code}).visit(address)
