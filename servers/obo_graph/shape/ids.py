"""Ids that a model hands us, on their way into a path.

`..` as an id would turn a request for a message into a request for its parent: httpx and every
proxy on the way resolve dots. `root:/x:` is how OneDrive writes a path, encoded or not. So an id is
checked first, and percent-encoded after.
"""

import re
from types import MappingProxyType
from urllib.parse import quote

from obo_graph.errors import bad_argument

_ID = re.compile(r"[A-Za-z0-9_\-=+/!.:@,~]{1,512}")
_REF_HALF = re.compile(r"[A-Za-z0-9_\-=+!.@,~]{1,256}")  # a colon would begin a path
_DOTS = frozenset({".", ".."})
_HINTS = MappingProxyType(
    {
        "folder": "must be inbox, drafts, sentitems, archive, deleteditems, junkemail, outbox "
        "or the id of a folder",
        "calendar": "is not an id; leave it empty for the person's own calendar",
    }
)
_HINT = "is not an id; pass one exactly as a search returned it"


def segment(argument: str, value: str) -> str:
    """One path segment for the id `value`, percent-encoded.

    Raises:
        ToolError: `value` cannot be an id; the text names `argument`.
    """
    if not _ID.fullmatch(value) or _DOTS.intersection(value.split("/")) or ":/" in value:
        raise bad_argument(argument, _HINTS.get(argument, _HINT))
    return quote(value, safe="")


def drive(argument: str, value: str) -> str:
    """One path segment for the id of a drive.

    Raises:
        ToolError: `value` is not one; the text names `argument`.
    """
    if not _REF_HALF.fullmatch(value) or value in _DOTS:
        raise bad_argument(argument, "is no drive's id; take the first half of a ref")
    return quote(value, safe="")


def drive_item(argument: str, value: str) -> tuple[str, str]:
    """Path segments of drive and item for a ref `driveId/itemId`.

    Raises:
        ToolError: `value` is not a ref; the text names `argument`.
    """
    drive, _, item = value.partition("/")
    if not all(_REF_HALF.fullmatch(half) and half not in _DOTS for half in (drive, item)):
        raise bad_argument(argument, "is not a ref; pass the ref of a files_search row")
    return quote(drive, safe=""), quote(item, safe="")
