"""Exchange: trade the user assertion for a downstream token (Entra, "On-behalf-of flow").

One round trip to the token endpoint, made by MSAL with an HTTP client and caches of ours that
remember nothing between people; in front of it one flight per person and the token cache.

May import: obo_mcp.inbound.principal, authority and encoding, cache, observe, settings, errors,
secret, clock, network; msal, requests, urllib3, cryptography, cachetools; azure in `vault` alone.
Must never know: ASGI, MCP, Graph, how a token was verified.
"""
