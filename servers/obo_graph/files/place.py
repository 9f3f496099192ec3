"""Which item in OneDrive or SharePoint a model means, decided here and nowhere else.

A ref of our own rows, a path in the person's own OneDrive, or where it is allowed the address of
a page. Such an address is never fetched: it goes to Graph, base64url-encoded, as the key of a
share (Graph, "Accessing shared DriveItems"). A path is checked segment by segment and then
percent-encoded, as a colon ends a path and `..` leads out of it (Graph, "Addressing resources in
a drive"; OneDrive, "Restrictions and limitations": names).
"""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from obo_graph.errors import bad_argument
from obo_graph.shape import ids
from obo_graph.text import sendable
from obo_graph.wire.download import is_allowed

PLACE_CHARS = 2048
"""The longest argument that names an item."""

_SEGMENT_BYTES = 400
_SEGMENTS = 32
_FORBIDDEN = re.compile('["*:<>?/\\\\|\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|\.lock|desktop\.ini|.*_vti_.*|~\$.*", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"https://[a-z0-9.\-]+(:443)?/[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Place:
    """An item as Graph addresses it. `path` is below `/v1.0`, encoded already."""

    path: str

    def child(self, name: str) -> "Place":
        """What is, or would be, called `name` in this folder; `name` is checked already."""
        folder = self.path.removesuffix(":") if self.path.endswith(":") else f"{self.path}:"
        return Place(f"{folder}/{quote(name, safe='')}:")


def place(argument: str, value: str, *, drive: str = "") -> Place:
    """The item that `value`, a ref or a path that begins with `/`, names.

    A path lies in the person's own OneDrive, or in the one whose id `drive` is.

    Raises:
        ToolError: it is neither; the text names `argument`.
    """
    root = f"/drives/{ids.drive('drive', drive)}/root" if drive else "/me/drive/root"
    if not value.startswith("/"):
        if drive:
            raise bad_argument("drive", f"goes with a path; a ref as {argument} names its own")
        return _by_ref(argument, value)
    names = [name for name in value.split("/") if name]
    if len(names) > _SEGMENTS or not all(map(_is_step, names)):
        raise bad_argument(argument, "is no path such as /Reports/plan.docx; no .. and no colons")
    if not names:
        return Place(root)
    return Place(f"{root}:/" + "/".join(quote(name, safe="") for name in names) + ":")


def place_or_page(argument: str, value: str, hosts: tuple[str, ...]) -> Place:
    """The same, or the item that the page at address `value` shows, if its host is one of ours.

    Raises:
        ToolError: it is none of these; the text names `argument`.
    """
    if "://" not in value:
        return place(argument, value)
    if not _ADDRESS.fullmatch(value) or not _is_ours(value, hosts):
        raise bad_argument(
            argument, "is not the web address of a file in OneDrive or SharePoint; pass its ref"
        )
    key = urlsafe_b64encode(value.encode()).decode().rstrip("=")
    return Place(f"/shares/u!{key}/driveItem")


def checked_name(argument: str, name: str) -> str:
    """`name` if a new file may be called so.

    Raises:
        ToolError: OneDrive would refuse it; the text names `argument`.
    """
    # What nobody sees in a name makes one file look like another: `photo\u202egpj.exe`.
    plain = name.strip() == sendable(name) and not name.endswith(".")
    if not plain or not _is_step(name) or _RESERVED.fullmatch(name):
        raise bad_argument(
            argument, 'must be a file name without " * : < > ? / \\ | and outer spaces or dots'
        )
    return name


def _is_step(name: str) -> bool:
    if _FORBIDDEN.search(name) or not name.strip(". \u3000\xa0"):
        return False
    return len(name.encode()) <= _SEGMENT_BYTES


def _by_ref(argument: str, value: str) -> Place:
    drive, item = ids.drive_item(argument, value)
    if ":" in value:  # even encoded, Graph takes it for the beginning of a path
        raise bad_argument(argument, "is not a ref; pass the ref of a files_search row")
    return Place(f"/drives/{drive}/items/{item}")


def _is_ours(address: str, hosts: tuple[str, ...]) -> bool:
    # No origin of Graph's own here: an address of Graph's is no page.
    return is_allowed(address, "", hosts) and bool(urlsplit(address).path.strip("/"))
