"""Adapters: one file per foreign library that should see the caller the way it is used to.

May import: obo_mcp.exchange, inbound.principal, errors, secret; each file its one library.
Must never know: one another, how a token is verified, any server.
"""
