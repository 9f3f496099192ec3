"""A mail as MIME, the form in which an attached mail travels (RFC 5322, RFC 2045)."""

from email.message import EmailMessage
from email.utils import format_datetime

from obo_tenant.graph.mailbox import Message


def mime_form(mail: Message) -> bytes:
    """The bytes of the mail; a mail attached to it is attached there too."""
    written = EmailMessage()
    written["Subject"] = mail.subject
    written["From"] = f"{mail.sender.name} <{mail.sender.address}>"
    written["Date"] = format_datetime(mail.received)
    written.set_content(mail.body.text)
    if mail.body.html is not None:
        written.add_alternative(mail.body.html, subtype="html")
    for each in mail.attachments:
        written.add_attachment(
            each.content, maintype="application", subtype="octet-stream", filename=each.name
        )
    for number, part in enumerate(written.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_part_{number}_of_{mail.change_key}")
    return written.as_bytes()
