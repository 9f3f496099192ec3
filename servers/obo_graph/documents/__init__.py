"""The text in a file's bytes.

What happens here: a document that a stranger wrote becomes text, as a reader would see it.
May import: the parsers of the formats, the standard library.
Must never know: Graph, the MCP SDK, whose file it is.
"""
