"""Cache: keep a downstream token, for the person and the assertion that earned it.

Holds access tokens, their expiry and their scopes; nothing else is ever kept.

May import: obo_mcp.errors, secret, clock, network, settings, observe; cachetools, cryptography;
redis in `redis_client` alone.
Must never know: how a token was obtained, inbound's checks, ASGI, MCP, Graph.
"""
