"""An attachment as a caller sends it.

Source: Graph "message: add attachment", "Attach large files to Outlook messages or events".
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_flag, as_list, as_object, as_text
from obo_tenant.graph.ids import OutlookIds, outlook_ids
from obo_tenant.graph.mailbox import Attachment

SMALL_BYTES = 3 * 1024 * 1024
"""Anything of this size or more goes through an upload session."""

_FILE = "#microsoft.graph.fileattachment"


def new_ids(oid: str) -> OutlookIds:
    """New ids for an attachment in the mailbox of `oid`."""
    return outlook_ids(oid, "attachment", uuid4().hex)


def new_attachments(value: object, oid: str, now: datetime) -> tuple[Attachment, ...]:
    """A collection of attachments inside a message. Raises GraphError 400 and 413."""
    return tuple(new_attachment(as_object(each), oid, now) for each in as_list(value, longest=100))


def new_attachment(given: Mapping[str, Any], oid: str, now: datetime) -> Attachment:
    """One attachment for the mailbox of `oid`. Raises GraphError 400 and 413."""
    kind = as_text(given.get("@odata.type")).casefold()
    if kind != _FILE:
        raise GraphError(
            400,
            "RequestBodyRead",
            "The attachment must be of the type '#microsoft.graph.fileAttachment'.",
        )
    content = _content(given.get("contentBytes"))
    return made_attachment(given, content, oid, now)


def made_attachment(
    given: Mapping[str, Any], content: bytes, oid: str, now: datetime
) -> Attachment:
    """The attachment with what `given` says of it. Raises GraphError 400."""
    name = as_text(given.get("name"), longest=255)
    if not name:
        raise GraphError(400, "ErrorRequiredPropertyMissing", "Required property is missing.")
    inline = given.get("isInline")
    return Attachment(
        ids=new_ids(oid),
        name=name,
        content_type=as_text(given.get("contentType"), longest=200) or "application/octet-stream",
        content=content,
        inline=inline is not None and as_flag(inline),
        content_id=as_text(given.get("contentId"), longest=255) or None,
        modified=now.replace(microsecond=0),
    )


def too_large() -> GraphError:
    """413: more than one request may attach."""
    return GraphError(
        413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."
    )


def _content(value: object) -> bytes:
    try:
        content = base64.b64decode(as_text(value, longest=8_000_000), validate=True)
    except (binascii.Error, ValueError):
        raise GraphError(
            400, "RequestBodyRead", "Cannot convert a literal of the request to 'Edm.Binary'."
        ) from None
    if len(content) >= SMALL_BYTES:
        raise too_large()
    return content
