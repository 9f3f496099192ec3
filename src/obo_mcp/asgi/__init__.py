"""ASGI: the front door, the only room that speaks HTTP with callers.

Reads the bearer token off the request, asks inbound who it is, and answers what needs no tool:
challenges (RFC 6750), resource metadata (RFC 9728), liveness and readiness.

May import: obo_mcp.inbound, settings, observe, errors, secret.
Must never know: MCP, MSAL, Graph, or any web framework: it is plain ASGI 3.
"""
