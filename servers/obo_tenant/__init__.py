"""A Microsoft Entra tenant on this machine, with a small Graph, an agent and a second tenant.

What happens here: people sign in, apps get real RS256 tokens with the claims, refusals and statuses
that Entra documents, and control switches let a test or a demo disturb the peace.
May import: starlette, uvicorn, pyjwt, cryptography, the standard library.
Must never know: the library under test or any server that uses it. A fake that shares code with
what it tests proves nothing.
"""
