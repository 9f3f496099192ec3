"""The Graph server: a person's mail, calendar and files, as tools for a model.

What happens here: a tool's flat arguments become Microsoft Graph requests, made as the signed-in
person, and the answers become small results that a model can afford to read.
May import: `obo_mcp` through its public names, the MCP SDK, msgraph's request adapter, httpx.
Must never know: how an access token is verified, or how it is exchanged for a downstream token.
"""
