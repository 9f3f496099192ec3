"""OData query options and KQL, as Graph understands them.

What happens here: `$select`, `$filter`, `$orderby`, `$search`, `$top` and paging become values and
predicates. May import: the standard library and the error type beside it.
Must never know: which kind of thing is being queried; a table of fields is passed in.
"""
