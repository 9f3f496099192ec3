"""Text that somebody else wrote: made harmless to read, and marked as theirs.

Names, subjects, bodies and files are written by whoever can reach the person. Invisible
characters can carry instructions past human eyes (Unicode tag characters), and control
characters can reorder what is shown. Marks do not stop a model from obeying, they only help it
to know; what holds is what the tools do not do: fetch an address, or send unasked.
"""

import re
import secrets
import unicodedata

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and newline
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers that draw nothing
    "\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero-width and bidi controls
    "\ufe00-\ufe0f\ufff0-\ufffb\U000e0000-\U000e0fff"  # variation selectors, tags
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of rare scripts
    "\ud800-\udfff]"  # halves of a surrogate pair, which no UTF-8 can hold
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
_NEWLINE = re.compile("\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """`text` in Unicode form NFC, without characters that cannot be seen.

    Not NFKC: that one changes facts, and makes 32 of 3². Of Unicode's category Cf only the signs
    stay that have a shape: Arabic, Syriac and Kaithi number and verse marks.
    """
    # In this order: no normal form of what is left brings an unseen character back.
    return unicodedata.normalize("NFC", _UNSEEN.sub("", _NEWLINE.sub("\n", text)))


def sendable(text: str) -> str:
    """What a person wrote, on its way out: as it is, without controls and hidden instructions."""
    return _HIDDEN.sub("", text)


def comparable(text: str) -> str:
    """`text` as two texts are compared, never shown: Unicode form NFKC, without case."""
    return unicodedata.normalize("NFKC", clean(text)).casefold()


def one_line(text: object, max_bytes: int) -> str:
    """`text` cleaned, on one line, cut to at most `max_bytes` of UTF-8; "" for anything else."""
    if not isinstance(text, str):
        return ""
    start = text[: 4 * max_bytes]
    plain = start.isascii() and start.isprintable()  # most are: nothing to clean away
    line = " ".join((start if plain else clean(start)).split())
    if (len(line) if plain else len(line.encode())) <= max_bytes:
        return line
    kept = line.encode()[: max_bytes - len(_ELLIPSIS.encode())].decode(errors="ignore")
    return kept.rstrip() + _ELLIPSIS


def new_mark() -> str:
    """A word that the author of a text cannot have known when writing it."""
    return secrets.token_hex(4)


def fence(text: str, mark: str) -> str:
    """`text` between two lines that say it is untrusted; `mark` comes from `new_mark`."""
    return f"<untrusted {mark}>\n{text}\n</untrusted {mark}>"
