"""Small documents as the programs of the office write them, made by hand."""

import io
import zipfile
import zlib

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def packed(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for path, content in members.items():
            package.writestr(path, content)
    return out.getvalue()


def relations(**targets):
    items = "".join(
        f'<Relationship Id="{key}" Type="{R}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{RELATIONS}">{items}</Relationships>'


def body(xml):
    names = f'xmlns:w="{W}" xmlns:a="{A}" xmlns:x="urn:unknown"'
    return f"<w:document {names}><w:body>{xml}</w:body></w:document>"


def paragraph(text, properties=""):
    return f"<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def docx(xml, head="", **others):
    """A Word document with this body; `others` are parts beside it by kind, as whole XML."""
    aside = {kind: (kind, f"{kind}.xml") for kind in others}
    members = {
        "_rels/.rels": relations(r1=("officeDocument", "word/document.xml")),
        "word/document.xml": head + body(xml),
        "word/_rels/document.xml.rels": relations(**aside),
    }
    return packed(members | {f"word/{kind}.xml": part for kind, part in others.items()})


def slide(*texts, hidden=""):
    shapes = "".join(
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="n"{hidden}/></p:nvSpPr><p:txBody>'
        f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        for text in texts
    )
    return f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld>{shapes}</p:cSld></p:sld>'


def pptx(slides, notes=""):
    """A presentation; its files are numbered against their order. Notes hang on the first."""
    keys = [f"r{9 - number}" for number in range(len(slides))]
    names = dict(zip(keys, slides, strict=True))
    listed = "".join(f'<p:sldId id="256" r:id="{key}"/>' for key in keys)
    main = f'<p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst>{listed}</p:sldIdLst>'
    members = {
        "_rels/.rels": relations(r1=("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f"{main}</p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            **{key: ("slide", f"slides/{key}.xml") for key in keys}
        ),
    }
    members |= {f"ppt/slides/{key}.xml": xml for key, xml in names.items()}
    if notes:
        hung = relations(n=("notesSlide", "../notesSlides/n1.xml"))
        members[f"ppt/slides/_rels/{keys[0]}.xml.rels"] = hung
        members["ppt/notesSlides/n1.xml"] = slide(notes)
    return packed(members)


def xlsx(sheets, hidden=()):
    """A workbook of sheets by name, each given as its XML rows."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"'
        + (' state="hidden"/>' if name in hidden else "/>")
        for number, name in enumerate(sheets, 1)
    )
    main = f'<workbook xmlns="{S}" xmlns:r="{R}">'
    targets = {f"r{n}": ("worksheet", f"worksheets/s{n}.xml") for n in range(1, len(sheets) + 1)}
    members = {
        "_rels/.rels": relations(r1=("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f"{main}<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(**targets),
    }
    for number, rows in enumerate(sheets.values(), 1):
        members[f"xl/worksheets/s{number}.xml"] = f'<worksheet xmlns="{S}">{rows}</worksheet>'
    return packed(members)


def rows(*lines):
    """Rows of inline strings and numbers, as `xlsx` wants them."""
    xml = ""
    for number, line in enumerate(lines, 1):
        cells = "".join(cell(f"{chr(65 + at)}{number}", value) for at, value in enumerate(line))
        xml += f'<row r="{number}">{cells}</row>'
    return f"<sheetData>{xml}</sheetData>"


def cell(ref, value):
    if isinstance(value, str):
        return f'<c r="{ref}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{ref}"><v>{value}</v></c>'


def pdf(pages, trailer="", count=None):
    """A PDF whose pages hold these content streams, already made of operators."""
    streams = [zlib.compress(page) for page in pages]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    tree = f"<</Type/Pages/Kids[{kids}]/Count {len(pages) if count is None else count}>>"
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", tree.encode(), font.encode()]
    for number, stream in enumerate(streams):
        page = "/Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<</Font<</F 3 0 R>>>>"
        objects.append(f"<<{page}/Contents {5 + 2 * number} 0 R>>".encode())
        head = f"<</Length {len(stream)}/Filter/FlateDecode>>stream\n".encode()
        objects.append(head + stream + b"\nendstream")
    return _file(objects, trailer)


def shown(text, y=100):
    """The operators that show `text`, `y` points above the foot of the page."""
    return f"BT /F 12 Tf 20 {y} Td ({text}) Tj ET\n".encode()


def _file(objects, trailer):
    out = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    size = len(objects) + 1
    end = f"trailer<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{len(out)}\n%%EOF"
    return out + f"xref\n0 {size}\n0000000000 65535 f \n".encode() + table + end.encode()
