"""Adapters: for each foreign library that should see the caller the way it is used to, its file.

The MCP SDK has two: `mcp_sdk` shows it the caller, `mcp_refusals` tells its clients of refusals.

May import: obo_mcp.exchange, inbound.principal, environment, errors, secret; each file its one
library.
Must never know: another library's file, how a token is verified, any server.
"""
