"""`python -m obo_tenant`: the tenant as a process. One JSON line on stdout says it is ready."""

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from obo_tenant.people import TENANT_ID
from obo_tenant.serve import LocalTenant


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 0, or 2 when it could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    local = LocalTenant(options.port, options.state_dir, host=options.host, name=options.name)
    try:
        with local:
            ready = {"url": local.url, "ca_path": str(local.ca_path), "tenant_id": TENANT_ID}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            while local.running and not stop.wait(0.5):
                pass
    except (OSError, ValueError) as reason:
        sys.stderr.write(f"the local tenant cannot start: {_one_line(reason)}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="obo_tenant", description="A tenant on this machine.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--state-dir", type=Path, help="keep the CA here between runs")
    parser.add_argument("--host", default="127.0.0.1", help="listen on this address")
    parser.add_argument("--name", default="localhost", help="host name in URLs and certificate")
    return parser


def _one_line(reason: Exception) -> str:
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return words.replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
