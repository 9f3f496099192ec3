"""A minimal writer of PDF: text in Helvetica, as many pages as it takes.

Source: ISO 32000-1 sections 7.3 to 7.7.
"""

from obo_tenant.graph.contents import Document

MIME_TYPE = "application/pdf"
_LINES = 46
_LETTERS = 88
_MOST_PAGES = 60


def as_pdf_document(text: str) -> Document:
    """`text` as a PDF document."""
    pages = _pages(text)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for lines in pages:
        objects += _page(lines, len(objects) + 2)
    return Document(_file(objects), MIME_TYPE, text)


def _pages(text: str) -> list[list[str]]:
    lines = [
        line[start : start + _LETTERS]
        for line in text.splitlines()
        for start in range(0, max(len(line), 1), _LETTERS)
    ]
    starts = range(0, max(len(lines), 1), _LINES)
    return [lines[start : start + _LINES] for start in starts][:_MOST_PAGES]


def _page(lines: list[str], stream_number: int) -> list[bytes]:
    shown = "".join(f"({_escape(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 12 Tf 16 TL 40 790 Td\n{shown}ET".encode("latin-1", "replace")
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>" % stream_number
    )
    return [page, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)]


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(objects) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def _escape(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
