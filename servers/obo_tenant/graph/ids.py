"""Ids that look like Graph's and tell nothing.

Outlook items have two: the default one (152 characters here) and the immutable one (68), see
Graph "Get immutable identifiers for Outlook resources". Both are derived from the person and the
item, so that they are the same after a restart and never shared between people.
"""

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache

_DEFAULT = re.compile(r"AAMk[A-Za-z0-9_-]{147}=")
_IMMUTABLE = re.compile(r"AAkA[A-Za-z0-9_-]{64}")


@dataclass(frozen=True, slots=True)
class OutlookIds:
    """The two names of one Outlook item."""

    default: str
    immutable: str

    def pick(self, *, immutable: bool) -> str:
        """The id to show to a caller who did or did not ask for immutable ids."""
        return self.immutable if immutable else self.default


def outlook_ids(oid: str, kind: str, key: str) -> OutlookIds:
    """Derive both ids of the item `key` of `kind` in the mailbox of `oid`."""
    mailbox, entry = _mailbox(oid)
    default = b"\x00\x03\x24" + entry + _derive(oid, kind, key, 74)
    immutable = b"\x00\x09\x00" + mailbox + _derive(oid, "immutable" + kind, key, 32)
    return OutlookIds(_text(default), _text(immutable))


def is_outlook_id(value: str) -> bool:
    """Whether `value` has the form of either id space."""
    return bool(_DEFAULT.fullmatch(value) or _IMMUTABLE.fullmatch(value))


def conversation_id(oid: str, key: str) -> str:
    """The id that all mails of one thread share."""
    return _text(b"\x00\x04\x24" + _derive(oid, "conversation", key, 68))


def change_key(oid: str, key: str) -> str:
    """The version stamp behind `@odata.etag`."""
    return "CQAAABYAAA" + _text(_derive(oid, "change", key, 15))


def drive_id(oid: str) -> str:
    """The id of a person's OneDrive."""
    return "b!" + _text(_derive(oid, "drive", "", 48))


def drive_item_id(oid: str, key: str) -> str:
    """The id of a file or folder: 34 upper-case letters and digits."""
    return "01" + base64.b32encode(_derive(oid, "item", key, 20)).decode()


def guid(oid: str, key: str) -> str:
    """A GUID derived from the person and a key."""
    return str(uuid.UUID(bytes=_derive(oid, "guid", key, 16)))


@lru_cache(maxsize=64)
def _mailbox(oid: str) -> tuple[bytes, bytes]:
    mailbox = _derive(oid, "mailbox", "", 16)
    return mailbox, str(uuid.UUID(bytes=mailbox)).encode()


def _derive(oid: str, kind: str, key: str, length: int) -> bytes:
    material = f"{oid.casefold()}\x1f{kind}\x1f{key}".encode()
    return hashlib.shake_256(material).digest(length)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()
