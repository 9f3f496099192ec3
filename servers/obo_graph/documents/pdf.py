"""The text of a PDF document, page by page."""

from collections.abc import Iterator

import pypdfium2

from obo_graph.documents.extract import Pieces, Unreadable
from obo_graph.documents.pages import chosen

_PASSWORD = 4  # FPDF_ERR_PASSWORD of fpdfview.h
_SECURITY = 5  # FPDF_ERR_SECURITY: encrypted in a way that PDFium does not know
_HYPHENS = str.maketrans({"\ufffe": "-", "\x02": "-"})  # how PDFium says: at the end of a line


def pieces(content: bytes, pages: str) -> Pieces:
    """The text on the pages of `content` that `pages` asks for.

    Raises:
        Unreadable: `broken`, `protected` or `pages`.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        sealed = error.err_code in {_PASSWORD, _SECURITY}
        raise Unreadable("protected" if sealed else "broken") from error
    count = len(document)
    if not count:
        raise Unreadable("broken")
    return Pieces(count, _texts(document, count, chosen(pages, count)))


def _texts(document: pypdfium2.PdfDocument, count: int, wanted: list[int]) -> Iterator[str]:
    for at in wanted:
        yield f"--- page {at + 1} of {count} ---\n"
        yield f"{_page(document, at)}\n"


def _page(document: pypdfium2.PdfDocument, at: int) -> str:
    try:
        page = document[at]
        text = page.get_textpage().get_text_bounded()  # what lies outside the page is not seen
    except pypdfium2.PdfiumError:
        return "(this page cannot be read)"
    page.close()  # and what hangs on it: memory is bounded
    return str(text).replace("\r\n", "\n").translate(_HYPHENS).strip()
