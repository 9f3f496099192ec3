"""obo_cli: the command `obo-mcp`, one module per verb.

Progress and errors for people go to stderr, data to stdout.

May import: every other program here, obo_mcp, typer, rich, MSAL as a public client, the MCP client.
Must never know: how a token is validated or exchanged; it only runs the programs that do.
"""
