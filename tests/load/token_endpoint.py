"""A token endpoint over TLS that answers each exchange after so many milliseconds.

python tests/load/token_endpoint.py MILLISECONDS

It does as little as possible, in one process of its own: what is measured is the other side.
"""

import asyncio
import itertools
import json
import os
import ssl
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from obo_mcp.clock import SystemClock
from obo_tenant.tls import make_certificates
from support.bad_days import discovery, form_of, granted
from support.wire import payload_of

LIFETIME_SECONDS = 3600
_clock = SystemClock()
_serial = itertools.count()


def answered(origin, head, body):
    path = head.split(b" ", 2)[1].decode()
    if "openid-configuration" in path:
        return discovery(f"{origin}{path}")
    form = form_of(body)
    asked = payload_of(form["assertion"])
    return granted(form, asked, now=_clock.now(), lifetime=LIFETIME_SECONDS, serial=next(_serial))


async def serve(reader, writer, origin, seconds):
    """Requests of one connection that is kept alive."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length or 0))
            told = json.dumps(answered(origin, head, body)).encode()
            if seconds:
                await asyncio.sleep(seconds)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(told), told)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(milliseconds):
    with tempfile.TemporaryDirectory() as folder:
        made = make_certificates(Path(folder), _clock.now(), ["localhost"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.server, made.server_key)
        origin = ""

        def accept(reader, writer):
            return serve(reader, writer, origin, milliseconds / 1000)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context, backlog=1024)
        origin = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        sys.stdout.write(json.dumps({"url": origin, "ca_path": str(made.ca)}) + "\n")
        sys.stdout.flush()
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    # A child begins on its parent's one core: first take all that there are, then the other one.
    os.sched_setaffinity(0, range(os.cpu_count()))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    asyncio.run(main(float(sys.argv[1])))
