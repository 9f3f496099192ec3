"""obo_whoami: the smallest server that uses the middleware; docs/tutorial/whoami.md walks it.

May import: obo_mcp, mcp, uvicorn, httpx. Must never know: the other servers.
"""
