"""How large the load is, and how its figures are told."""

import os
import sys

NIGHTLY = os.environ.get("OBO_MCP_NIGHTLY") == "1"
PEOPLE = 200 if NIGHTLY else 24
ROUNDS = 5 if NIGHTLY else 3
SLICES = 3 if NIGHTLY else 1


def say(text):
    """Shown by `pytest -s` and beside a failure."""
    sys.stdout.write(f"\n{text}\n")
