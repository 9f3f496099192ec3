"""The few web pages of the tenant: plain HTML that works without scripts and with a screen reader.

Every value passes through `html.escape`. The security headers forbid framing, foreign content and
scripts; one page has a script of its own, allowed by a nonce, and a button for those without.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

_CONSENT_BUTTONS = (
    '<button class="first" name="decision" value="accept">Accept</button>'
    '<button name="decision" value="cancel">Cancel</button>'
    '<button name="decision" value="other">Use another account</button>'
)
_PROOFS = {
    "mfa": ("Verify your identity", "Approve the request on your phone.", "I approved it"),
    "enrolment": (
        "More information required",
        "Your organization wants you to set up a second way to prove who you are.",
        "I set it up",
    ),
    "device": (
        "Set up your device to get access",
        "Your organization wants this device to be managed.",
        "It is managed now",
    ),
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --back: #eef1f6; --line: #8a8f9c;
  --deed: #0b57a4; --bad: #a4262c; --quiet: #50555f; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1f1f4; --paper: #22252b; --back: #15171b;
  --line: #7b818e; --deed: #8fc1ff; --bad: #ffb3b0; --quiet: #b9bec9; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(27rem, 94vw); margin: 2rem 0; padding: 2.25rem; background: var(--paper);
  border-radius: .5rem; box-shadow: 0 .25rem 1.5rem rgb(0 0 0 / .16); }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
.where { margin: 0 0 1.25rem; color: var(--quiet); font-size: .875rem; letter-spacing: .02em; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; padding: .6rem .7rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .25rem; }
input[type=checkbox] { width: auto; margin-right: .5rem; }
button { margin: 1.25rem .5rem 0 0; padding: .6rem 1.4rem; font: inherit; font-weight: 600;
  border: 1px solid var(--deed); border-radius: .25rem; background: transparent; color: var(--deed);
  cursor: pointer; }
button.first { background: var(--deed); color: var(--paper); }
:focus-visible { outline: 3px solid var(--deed); outline-offset: 2px; }
.error { color: var(--bad); font-weight: 600; }
.quiet, details { color: var(--quiet); font-size: .875rem; }
details { margin-top: 1.75rem; }
code { font-size: .95em; overflow-wrap: anywhere; }
li { margin: .25rem 0; }
"""


def page(
    title: str, content: str, *, status: int = 200, script: str = "", error: str = ""
) -> HTMLResponse:
    """A whole page. `content` and `script` are HTML and code already; `title` and `error` text."""
    nonce = secrets.token_urlsafe(16)
    alert = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    code = f'<script nonce="{nonce}">{script}</script>' if script else ""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style nonce="{nonce}">{_STYLE}</style></head><body><main>'
        '<p class="where">Local practice tenant &middot; not Microsoft</p>'
        f"<h1>{escape(title)}</h1>{alert}{content}</main>{code}</body></html>"
    )
    return HTMLResponse(text, status, _headers(nonce))


def form(action: str, hidden: Mapping[str, str], content: str) -> str:
    """A form that posts to `action`; `content` is HTML already."""
    return f'<form method="post" action="{escape(action)}">{_hidden(hidden)}{content}</form>'


def sign_in_page(
    hidden: Mapping[str, str], client: str, people: Iterable[tuple[str, str]], **values: str
) -> HTMLResponse:
    """Asks for name and password; `people` are the sign-in names and passwords to practise with.

    `values` may hold `hint`, the name to begin with, and `error`.
    """
    hint, error = values.get("hint", ""), values.get("error", "")
    rows = "".join(
        f"<li><code>{escape(name)}</code> &ndash; <code>{escape(password)}</code></li>"
        for name, password in people
    )
    fields = (
        '<label for="name">User name</label><input id="name" name="name" type="email" required'
        f' autocomplete="username" autocapitalize="none" value="{escape(hint)}"'
        f"{'' if hint else ' autofocus'}>"
        '<label for="password">Password</label><input id="password" name="password" required'
        f' type="password" autocomplete="current-password"{" autofocus" if hint else ""}>'
        '<button class="first">Sign in</button>'
    )
    content = (
        f"<p>to continue to <strong>{escape(client)}</strong></p>{form('/signin', hidden, fields)}"
        f"<details><summary>People of this practice tenant</summary><ul>{rows}</ul></details>"
    )
    return page("Sign in", content, error=error, status=400 if error else 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWords:
    """What the consent page says.

    `wishes` are (who wants it, from which resource, descriptions). `device` warns that the one
    who wants it may sit somewhere else. `for_everybody` says that it counts for the whole
    organization; `offers_everybody` lets the person choose that.
    """

    client: str
    person: str
    wishes: Iterable[tuple[str, str, Iterable[str]]]
    device: bool = False
    for_everybody: bool = False
    offers_everybody: bool = False

    @property
    def title(self) -> str:
        """The heading."""
        if self.for_everybody:
            return "Permissions requested: review for your organization"
        return "Is this you signing in?" if self.device else "Permissions requested"

    @property
    def warning(self) -> str:
        """What to think of first; may be nothing."""
        if self.for_everybody:
            return "If you accept, nobody in your organization will be asked again."
        if self.device:
            return "Continue only if you entered a code from a device or program of your own."
        return ""


def consent_page(hidden: Mapping[str, str], words: ConsentWords) -> HTMLResponse:
    """Asks the person to allow what the client wants."""
    lists = "".join(
        f"<p>{escape(who)}, at {escape(resource)}:</p><ul>"
        + "".join(f"<li>{escape(each)}</li>" for each in descriptions)
        + "</ul>"
        for who, resource, descriptions in words.wishes
    )
    wants = "<p>It would like to:</p>" + lists if lists else ""
    warning = f"<p>{escape(words.warning)}</p>" if words.warning else ""
    whose = "your organization" if words.for_everybody else words.person
    content = (
        f"<p><strong>{escape(words.client)}</strong> wants to act for"
        f" <strong>{escape(whose)}</strong>.</p>{warning}{wants}"
        f"{form('/consent', hidden, _everybody(words) + _CONSENT_BUTTONS)}"
    )
    return page(words.title, content)


def approval_page(hidden: Mapping[str, str], client: str) -> HTMLResponse:
    """Says that only an administrator can allow this (AADSTS90094)."""
    buttons = (
        '<button class="first" name="decision" value="other">Use an administrator account</button>'
        '<button name="decision" value="cancel">Return without granting consent</button>'
    )
    content = (
        f"<p><strong>{escape(client)}</strong> needs permission to access resources in your"
        " organization that only an admin can grant. Ask an admin to grant permission to this app"
        f" before you can use it.</p>{form('/consent', hidden, buttons)}"
        '<p class="quiet">AADSTS90094</p>'
    )
    return page("Need admin approval", content, status=403)


def proof_page(hidden: Mapping[str, str], person: str, demand: str) -> HTMLResponse:
    """Asks for what Conditional Access demands: here one button stands for all of it."""
    title, text, button = _PROOFS[demand]
    buttons = (
        f'<button class="first" name="decision" value="accept">{escape(button)}</button>'
        '<button name="decision" value="other">Use another account</button>'
    )
    content = (
        f"<p><strong>{escape(person)}</strong></p><p>{escape(text)}</p>"
        f"{form('/proof', hidden, buttons)}"
    )
    return page(title, content)


def _everybody(words: ConsentWords) -> str:
    if not words.offers_everybody:
        return ""
    return (
        '<label for="everybody"><input id="everybody" name="everybody" value="yes"'
        ' type="checkbox"> Consent on behalf of your organization</label>'
    )


def code_page(hidden: Mapping[str, str], error: str = "") -> HTMLResponse:
    """Asks for the code that a device shows."""
    fields = (
        '<label for="code">Code</label><input id="code" name="user_code" required autofocus'
        ' autocomplete="off" autocapitalize="characters" spellcheck="false">'
        '<button class="first">Next</button>'
    )
    content = (
        f"<p>Enter the code displayed on your device.</p>{form('/devicelogin', hidden, fields)}"
    )
    return page("Enter code", content, error=error, status=400 if error else 200)


def form_post_page(redirect_uri: str, fields: Mapping[str, str]) -> HTMLResponse:
    """Posts the answer to the client (OAuth 2.0 Form Post Response Mode)."""
    content = form(
        redirect_uri,
        fields,
        "<noscript><p>Scripts are off: press the button to go on.</p>"
        '<button class="first">Continue</button></noscript>',
    )
    return page("Working...", content, script="document.forms[0].submit();")


def plain_page(title: str, text: str, *, status: int = 200, detail: str = "") -> HTMLResponse:
    """A page that only says something; `detail` is for whoever has to mend it."""
    more = f'<p class="quiet">{escape(detail)}</p>' if detail else ""
    return page(title, f"<p>{escape(text)}</p>{more}", status=status)


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def _headers(nonce: str) -> dict[str, str]:
    # No form-action: a posted form is answered with a redirect to the client, which browsers
    # would count as the form's action.
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-store, no-cache",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "strict-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
