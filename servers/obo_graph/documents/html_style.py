"""Which styles of an HTML document hide text: a few plain patterns, no engine of styles.

Source: CSS 2.1, CSS Syntax Level 3 (escapes, section 4.3.7).
"""

import re
import sys

_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|([^\n]))")
_CLASS = re.compile(r"([a-z][\w-]*+)?+\.([\w-]++)")

# Possessive throughout: a style of blanks must not cost the square of its length.
_ZERO = r"0*+(\.0*+)?+\s*+(px|pt|em|rem|vw|vh|cm|mm|in|ex|ch|pc|%)?+\s*+(;|!|$)"
_HIDING = re.compile(
    r"display\s*+:\s*+none|visibility\s*+:\s*+(hidden|collapse)|mso-hide\s*+:\s*+all|"
    rf"font-size\s*+:\s*+(?=[\d.]){_ZERO}|"
    r"font-size\s*+:\s*+(0*+\.\d++|0*+1(\.0++)?+)\s*+px|"
    r"(?<![\w-])font\s*+:[^;]{0,80}?(?<![\w./])0(px|pt|em|rem|%)?+[\s/]|"
    r"(?<![\w-])color\s*+:\s*+(transparent|rgba\([^)]{0,40},\s*+0\s*+\))|"
    r"(?<![\w-])(left|top|right|bottom|text-indent|margin-left|margin-top)\s*+:\s*+-\d{4,}|"
    r"opacity\s*+:\s*+(?=[\d.])0*+(\.0\d*+|\.)?+%?+\s*+(;|!|$)",
    re.IGNORECASE,
)
_NO_HEIGHT = re.compile(rf"(?<![\w-])(max-)?(height|width)\s*+:\s*+(?=[\d.]){_ZERO}", re.IGNORECASE)
_CLIPPED = re.compile(r"overflow(-[xy])?\s*+:\s*+(hidden|clip)", re.IGNORECASE)


def hides(style: str) -> bool:
    """Whether the declarations of `style` hide what they are for."""
    plain = _ESCAPE.sub(_character, _COMMENT.sub(" ", style))
    if _NO_HEIGHT.search(plain) and _CLIPPED.search(plain):
        return True
    return _HIDING.search(plain) is not None


def hidden_classes(sheet: str) -> set[tuple[str, str]]:
    """What the plain rules of a <style> hide: `.a` as ("", "a"), `p.a` as ("p", "a").

    In small letters. Rules of other forms, and those for some screens only (`@media`), do not
    count: what they hide cannot be told without laying the document out.
    """
    found: set[tuple[str, str]] = set()
    depth = 0
    for piece in _COMMENT.sub(" ", sheet).split("}"):
        selectors, _, style = piece.partition("{")
        if depth == 0 and style and "{" not in style and hides(style):
            ones = (_CLASS.fullmatch(one.strip()) for one in selectors.lower().split(","))
            found.update((one[1] or "", one[2]) for one in ones if one)
        depth = max(depth + piece.count("{") - 1, 0)
    return found


def _character(escape: re.Match[str]) -> str:
    if escape[2]:
        return escape[2]
    number = int(escape[1], 16)
    return chr(number) if 0 < number <= sys.maxunicode else "\ufffd"
