"""The page to which the authority sends a person back who was asked to agree.

After a link for administrators the answer comes in the query, as `error` where nobody agreed
(Entra, "Admin consent endpoint"). After a person's own link it comes in the fragment, which a
browser sends to no server ("Authorization code flow"): the page cannot know it, and its words fit
either outcome. Nothing of the query is read but whether `error` is there, nothing is repeated, no
code is redeemed: what the authority has noted is what counts.
"""

from urllib.parse import parse_qs

from obo_mcp.asgi.answer import Answer

_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}
"""
_AGREED = Answer(
    200,
    _PAGE.format(
        title="You can close this page",
        text="If you have agreed, go back to where you came from and ask again. If you were told "
        "that an administrator has to approve, pass on the link for administrators.",
    ),
    _HEADERS,
)
_NOT_AGREED = Answer(
    200,
    _PAGE.format(
        title="Nothing was agreed",
        text="You can close this page. Either somebody declined, or an administrator of your "
        "organisation has to agree first: pass on the link for administrators, then ask again.",
    ),
    _HEADERS,
)


def consent_page(query: bytes) -> Answer:
    """The page that fits how the authority's own page was left."""
    fields = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    return _NOT_AGREED if "error" in fields else _AGREED
