"""What the people of the tenant have in their mailboxes, calendars, drives, chats and task lists.

What happens here: templates written by us (the .toml files) and a seed per person become mail,
events, files, chats and tasks, the same ones every time for the same seed and start.
May import: the data types of the packages above. Must never know: HTTP, OData, tokens.
"""
