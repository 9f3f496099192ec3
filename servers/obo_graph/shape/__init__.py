"""What all tools have in common: arguments as a model writes them, results as it reads them.

What happens here: ids, times, words and cursors are checked; rows are made small and kept small.
May import: `wire`, `obo_graph.settings`, `obo_graph.errors`, `obo_graph.text`, the MCP SDK.
Must not know: which tools there are, beyond the catalogue of their names.
"""
