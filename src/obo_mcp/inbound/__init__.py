"""Inbound: is this caller who they say they are?

Turns the text of a bearer token into a Principal, or into a TokenRejected that says why. Knows
JOSE (RFC 7515, 7517, 7519), the claims of Entra's access tokens and where the authority publishes
its signing keys.

May import: obo_mcp.errors, secret, clock, network, settings, observe; jwt, cryptography, httpx.
Must never know: MSAL, the exchange, token caches, ASGI, MCP, Graph.
"""
