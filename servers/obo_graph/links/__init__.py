"""Links by which a file moves without passing through a model.

What happens here: a tool asks for a link; whoever opens it gets, or gives, the bytes of one file,
streamed between them and the host where the file lies.
May import: `wire`, `shape.link`, `obo_graph.text`, `obo_graph.errors`, and of the library its
clock and its events.
Must never know: tools, and any token: Graph's address of the file is the permission here.

A link is made for one person's file with that person's rights; whoever holds it can use it until
it ends, as with Graph's own download addresses, which also open for everybody. That is why it is
short-lived, for one file, in one direction, and why Graph's own, which lives longer, stays sealed.
"""
