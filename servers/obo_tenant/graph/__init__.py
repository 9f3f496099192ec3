"""Microsoft Graph v1.0 of the local tenant: the part that our tools touch, with data in memory.

What happens here: a request with a bearer token comes in, is checked for its person and its `scp`,
and is answered from that person's own mailbox, calendar, drive, chats and tasks in the shapes Graph
uses.
May import: starlette, anyio, the standard library; `obo_tenant.people`, `.plain_json`, `.cut_line`.
Must never know: how tokens are signed or minted (a callable is passed in), the library under test,
the tools that call it, and the data of anybody but the caller and those who share with them.
"""
