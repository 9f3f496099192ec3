"""The text in a file's bytes.

What happens here: a document that a stranger wrote becomes text, as a reader would see it. Kinds
that need a parser are read by a process of its own (`reader` and `process` on our side, `worker`
on the other), which has given up files, sockets and everything else it does not need.
May import: the parsers of the formats, anyio, the standard library.
Must never know: Graph, the MCP SDK, whose file it is.
"""
