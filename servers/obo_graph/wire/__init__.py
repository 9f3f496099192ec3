"""Microsoft Graph, as one person, for one tool call.

What happens here: requests go out with the person's token and come back as they are; waiting,
asking again, the mailbox's four lanes, batches, uploads and downloads are decided here.
May import: `obo_mcp`, `obo_graph.errors`, httpx, anyio, msgraph's request adapter (`transport`).
Must never know: what a mail or an event is, the MCP SDK, what a model is told.
"""
