"""The page on which a person chooses the file that an upload link takes.

It loads nothing and runs only its own script (CSP Level 3, nonces), stands in no frame, and sends
the file to the very address it came from. Without that script the page says what to do.
"""

import secrets
from html import escape

from starlette.responses import HTMLResponse

from obo_graph.links.headers import ALWAYS
from obo_graph.links.ticket import Ticket
from obo_graph.text import one_line

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Send a file</title>
<style nonce="{nonce}">
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; padding: 0 1rem;
  max-width: 34rem }}
button {{ font: inherit; padding: .3rem 1rem }} progress {{ width: 100% }}
[hidden] {{ display: none }}
</style>
<h1>Send a file</h1>
<p>It will be saved as <strong>{name}</strong> where you agreed with your assistant. The link works
once and ends soon.</p>
<form id="form">
<p><label for="file">File</label> <input id="file" type="file" required></p>
<p><button id="send">Send</button></p>
</form>
<progress id="progress" max="1" value="0" aria-label="Sent" hidden></progress>
<p id="status" role="status"></p>
<noscript><p>This page needs its script. You can also send the file with
<code>curl --upload-file</code> to the address of this page.</p></noscript>
<script nonce="{nonce}">
const part = (id) => document.getElementById(id);
part("form").addEventListener("submit", (event) => {{
  event.preventDefault();
  const file = part("file").files[0];
  if (!file) return;
  if (file.size > {most}) {{ part("status").textContent = "The file is too large."; return; }}
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (sent) => {{
    if (sent.lengthComputable) part("progress").value = sent.loaded / sent.total;
  }});
  request.addEventListener("load", () => {{
    part("progress").hidden = true;
    let words = request.responseText;
    if (request.status === 201) {{
      words = "Saved as " + JSON.parse(words).saved + ". You can close this page.";
    }}
    part("status").textContent = words;
  }});
  request.addEventListener("error", () => {{
    part("progress").hidden = true;
    part("status").textContent = "The file did not arrive. Ask for a new link.";
  }});
  request.open("PUT", location.href);
  request.setRequestHeader("content-type", "application/octet-stream");
  request.send(file);
  part("form").remove();
  part("progress").hidden = false;
  part("status").textContent = "Sending …";
}});
</script>
"""


def upload_page(ticket: Ticket) -> HTMLResponse:
    """The page for `ticket`, fresh each time, as its nonce is."""
    nonce = secrets.token_urlsafe(18)
    name = escape(one_line(ticket.name, 256))
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    page = _PAGE.format(nonce=nonce, name=name, most=ticket.max_bytes)
    return HTMLResponse(page, headers=ALWAYS | {"content-security-policy": policy})
