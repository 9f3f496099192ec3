"""The demo: two people, an agent, our server and a tenant, and what each hop saw.

Everything runs over sockets on this machine: the tenant in a thread, the Graph server as a process
of its own, the people through real sign-in flows, a headless stand-in as their browser.

May import: obo_cli, obo_tenant to start it, httpx, rich. Must never know: the inside of a token
beyond what its issuer or its owner reports.
"""

from obo_cli.demo.verb import demo

__all__ = ["demo"]
