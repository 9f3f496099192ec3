"""Small honest documents: each opens in the program that its name promises."""

import csv
import html
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from obo_tenant.graph.contents import Document
from obo_tenant.graph.pdf import as_pdf_document

_EPOCH = (1980, 1, 1, 0, 0, 0)
_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types '
    'xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{items}</Relationships>'
)
_RELATION = (
    '<Relationship Id="{name}" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/{kind}" Target="{target}"/>'
)
_OVERRIDE = (
    '<Override PartName="/{part}" '
    'ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/>'
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_OPENXML = "application/vnd.openxmlformats-officedocument"


def make_document(kind: str, text: str, dice: random.Random) -> Document:
    """A document of `kind` (a key of `KINDS`); tables are made up with `dice`."""
    return KINDS[kind](text.strip("\n"), dice)


def _plain(mime_type: str) -> Callable[[str, random.Random], Document]:
    return lambda text, _dice: Document(f"{text}\n".encode(), mime_type, text)


def _rows(dice: random.Random) -> list[list[str]]:
    head = ["week", "store", "pieces", "revenue"]
    stores = ("Porto", "Leeds", "Turin", "Lyon")
    rows = [
        [str(week), dice.choice(stores), str(dice.randint(5, 90)), str(dice.randint(300, 9000))]
        for week in range(1, dice.randint(9, 26))
    ]
    return [head, *rows]


def _csv(_text: str, dice: random.Random) -> Document:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(_rows(dice))
    return Document(out.getvalue().encode(), "text/csv", out.getvalue())


def _json(_text: str, dice: random.Random) -> Document:
    head, *rows = _rows(dice)
    text = json.dumps([dict(zip(head, row, strict=True)) for row in rows], indent=1)
    return Document(text.encode(), "application/json", text)


def _html(text: str, _dice: random.Random) -> Document:
    title, *lines = text.splitlines()
    body = "".join(f"<p>{html.escape(line)}</p>\n" for line in lines)
    page = (
        f"<!doctype html>\n<html><head><title>{html.escape(title)}</title></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n{body}</body></html>\n"
    )
    return Document(page.encode(), "text/html", text)


def _docx(text: str, _dice: random.Random) -> Document:
    runs = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r></w:p>'
        for line in text.splitlines()
    )
    parts = {
        "[Content_Types].xml": _TYPES.format(
            overrides=_OVERRIDE.format(part="word/document.xml", kind="wordprocessingml.document")
        ),
        "_rels/.rels": _RELATIONS.format(
            items=_RELATION.format(name="r1", kind="officeDocument", target="word/document.xml")
        ),
        "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{_WORD}">'
        f"<w:body>{runs}</w:body></w:document>",
    }
    return Document(_zip(parts), f"{_OPENXML}.wordprocessingml.document", text)


def _xlsx(_text: str, dice: random.Random) -> Document:
    rows = _rows(dice)
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(v)}</t></is></c>' for v in row)
        + "</row>"
        for row in rows
    )  # fmt: skip
    workbook = "spreadsheetml.sheet"
    parts = {
        "[Content_Types].xml": _TYPES.format(
            overrides=_OVERRIDE.format(part="xl/workbook.xml", kind=workbook)
            + _OVERRIDE.format(part="xl/worksheets/sheet1.xml", kind="spreadsheetml.worksheet")
            .replace("worksheet.main+xml", "worksheet+xml")
        ),
        "_rels/.rels": _RELATIONS.format(
            items=_RELATION.format(name="r1", kind="officeDocument", target="xl/workbook.xml")
        ),
        "xl/workbook.xml": f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{_SHEET}" '
        f'xmlns:r="{_OFFICE}"><sheets><sheet name="Plan" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": _RELATIONS.format(
            items=_RELATION.format(name="r1", kind="worksheet", target="worksheets/sheet1.xml")
        ),
        "xl/worksheets/sheet1.xml": f'<?xml version="1.0" encoding="UTF-8"?><worksheet '
        f'xmlns="{_SHEET}"><sheetData>{cells}</sheetData></worksheet>',
    }  # fmt: skip
    text = "\n".join("\t".join(row) for row in rows)
    return Document(_zip(parts), f"{_OPENXML}.{workbook}", text)


def _zip(parts: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _pptx(text: str, _dice: random.Random) -> Document:
    paragraphs = "".join(
        f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in text.splitlines()
    )
    names = f'xmlns:a="{_DRAWING}" xmlns:r="{_OFFICE}" xmlns:p="{_SLIDES}"'
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    kind = "presentationml.presentation"
    slide = _OVERRIDE.format(part="ppt/slides/slide1.xml", kind="presentationml.slide")
    parts = {
        "[Content_Types].xml": _TYPES.format(
            overrides=_OVERRIDE.format(part="ppt/presentation.xml", kind=kind)
            + slide.replace("slide.main+xml", "slide+xml")
        ),
        "_rels/.rels": _RELATIONS.format(
            items=_RELATION.format(name="r1", kind="officeDocument", target="ppt/presentation.xml")
        ),
        "ppt/presentation.xml": f"{head}<p:presentation {names}><p:sldIdLst>"
        '<p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": _RELATIONS.format(
            items=_RELATION.format(name="r1", kind="slide", target="slides/slide1.xml")
        ),
        "ppt/slides/slide1.xml": f"{head}<p:sld {names}><p:cSld><p:spTree><p:sp><p:txBody>"
        f"{paragraphs}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
    }
    return Document(_zip(parts), f"{_OPENXML}.{kind}", text)


def _pdf(text: str, _dice: random.Random) -> Document:
    return as_pdf_document(text)


def large_table(megabytes: int) -> Document:
    """A CSV of at least that many million bytes; search reads only its beginning."""
    head = "number,door,opened,closed,by\r\n"
    block = "".join(
        f"{number:05d},{'NESW'[number % 4]}{number % 37:02d},08:{number % 60:02d},"
        f"09:{number % 59:02d},badge {number % 911}\r\n"
        for number in range(1000)
    )
    content = (head + block * (megabytes * 1_000_000 // len(block) + 1)).encode()
    return Document(content, "text/csv", head + block[:4000])


KINDS: Mapping[str, Callable[[str, random.Random], Document]] = {
    "txt": _plain("text/plain"),
    "md": _plain("text/markdown"),
    "csv": _csv,
    "json": _json,
    "html": _html,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "pdf": _pdf,
}
