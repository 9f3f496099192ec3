import io
import json
import zipfile

import pytest

from obo_graph.documents import kinds, pdf, sheets, slides, word
from obo_graph.documents.extract import Unreadable, gather
from obo_graph.documents.pages import chosen
from obo_graph.documents.protocol import READY, Answer, Job, extract
from unit.graph_server import papers
from unit.graph_server.papers import cell, docx, paragraph, pptx, rows, shown, slide, xlsx


def read(module, content, pages=""):
    pieces = module.pieces(content, pages)
    return pieces.parts, "".join(pieces.texts)


def why(module, content, pages=""):
    with pytest.raises(Unreadable) as caught:
        read(module, content, pages)
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.docx", "A.PDF", "x.y.xlsx", "a.ods", "a.htm", "a.log"])
def test_an_ending_says_what_can_be_read(name):
    assert kinds.supported(name)


@pytest.mark.parametrize("name", ["docx", ".docx", "a.doc", "a.zip", "a.eml", "", "a.docx.exe"])
def test_other_endings_cannot_be_read(name):
    assert not kinds.supported(name)


def test_a_word_document_is_read_in_paragraphs_and_rows():
    table = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("a", "b"))
    xml = paragraph("One") + f"<w:tbl><w:tr>{table}</w:tr></w:tbl>" + paragraph("Two")
    assert read(word, docx(xml)) == (0, "One\na | b\nTwo\n")


def test_tabs_and_breaks_of_a_run_are_kept_and_tab_stops_are_none():
    xml = "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t>"
    assert read(word, docx(f"{xml}<w:br/><w:t>c</w:t></w:r></w:p>"))[1] == "a\tb\nc\n"


@pytest.mark.parametrize(
    "hidden",
    [
        paragraph("x", "<w:vanish/>"),
        paragraph("x", "<w:vanish w:val='1' x:val='0'/>"),
        paragraph("x", "<w:rStyle w:val='ghost'/>"),
        paragraph("x", "<w:rStyle w:val='child'/>"),
        "<w:p><w:pPr><w:pStyle w:val='ghost'/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>",
        "<w:p><w:del><w:r><w:t>x</w:t></w:r></w:del></w:p>",
        "<w:p><w:moveFrom><w:r><w:t>x</w:t></w:r></w:moveFrom></w:p>",
        "<w:p><w:r><w:delText>x</w:delText><w:instrText>x</w:instrText></w:r></w:p>",
        "<w:p><w:r><x:t>x</x:t></w:r></w:p>",
        f"<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>{paragraph('x')}</w:tc></w:tr></w:tbl>",
    ],
)
def test_what_the_reader_of_a_word_document_does_not_see_is_dropped(hidden):
    styles = (
        f"<w:styles xmlns:w='{papers.W}'><w:style w:styleId='ghost'><w:rPr><w:vanish/></w:rPr>"
        "</w:style><w:style w:styleId='child'><w:basedOn w:val='ghost'/></w:style></w:styles>"
    )
    xml = paragraph("before") + hidden + paragraph("after")
    assert read(word, docx(xml, styles=styles))[1] == "before\nafter\n"


@pytest.mark.parametrize("kept", ["<w:vanish w:val='0'/>", "<w:rStyle w:val='plain'/>", "<w:b/>"])
def test_text_that_is_not_hidden_after_all_is_kept(kept):
    assert read(word, docx(paragraph("x", kept)))[1] == "x\n"


def test_what_stands_aside_of_the_body_follows_it():
    notes = f"<w:footnotes xmlns:w='{papers.W}'>{paragraph('see p. 3')}</w:footnotes>"
    content = docx(paragraph("Body"), footnotes=notes)
    assert read(word, content)[1] == "Body\n--- footnotes ---\nsee p. 3\n"


def test_text_that_is_there_twice_for_old_programs_is_read_once():
    name = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    box = f"<m:AlternateContent xmlns:m='{name}'><m:Choice>{paragraph('box')}</m:Choice>"
    xml = f"<w:p><w:r>{box}<m:Fallback>{paragraph('box')}</m:Fallback></m:AlternateContent>"
    assert read(word, docx(f"{xml}</w:r></w:p>"))[1] == "box\n"


def test_a_word_document_has_no_pages_to_choose():
    assert why(word, docx(paragraph("x")), "1") == "pages"


def test_slides_come_in_their_order_with_their_notes():
    content = pptx([slide("first", "more"), slide("second")], notes="say this")
    assert read(slides, content) == (
        2,
        "--- slide 1 of 2 ---\nfirst\nmore\nNotes: say this\n--- slide 2 of 2 ---\nsecond\n",
    )


def test_slides_can_be_chosen():
    content = pptx([slide("first"), slide("second"), slide("third")])
    assert read(slides, content, "2")[1] == "--- slide 2 of 3 ---\nsecond\n"


def test_a_hidden_shape_of_a_slide_is_dropped():
    content = pptx([slide("x", hidden=' hidden="1"')])
    assert read(slides, content)[1] == "--- slide 1 of 1 ---\n"


def test_visible_sheets_are_read_row_by_row():
    content = xlsx(
        {
            "Budget": rows(["what", "how, much"], ["rent", 120.0, 0.5]),
            "Secret": rows(["x"]),
            "Notes": rows(['say "hi"']),
        },
        hidden=["Secret"],
    )
    assert read(sheets, content) == (
        2,
        '--- sheet Budget ---\nwhat,"how, much"\nrent,120,0.5\n--- sheet Notes ---\n"say ""hi"""\n',
    )


@pytest.mark.parametrize("pages", ["2", "notes", " NOTES "])
def test_a_sheet_is_chosen_by_number_or_name(pages):
    content = xlsx({"Budget": rows(["a"]), "Notes": rows(["b"])})
    assert read(sheets, content, pages)[1] == "--- sheet Notes ---\nb\n"


def test_a_sheet_of_very_many_columns_is_cut_and_says_so():
    line = "".join(cell(f"{chr(65 + n // 26)}{chr(65 + n % 26)}1", n) for n in range(300))
    content = xlsx({"A": f'<sheetData><row r="1">{line}</row></sheetData>'})
    assert read(sheets, content)[1].endswith(",199,(more columns)\n")


def test_a_claim_of_a_million_rows_costs_nothing():
    content = xlsx({"A": '<dimension ref="A1:XFD1048576"/>' + rows(["x"])})
    assert read(sheets, content) == (1, "--- sheet A ---\nx\n")


def test_a_pdf_is_read_page_by_page():
    content = papers.pdf([shown("Hello"), shown("World")])
    assert read(pdf, content) == (
        2,
        "--- page 1 of 2 ---\nHello\n--- page 2 of 2 ---\nWorld\n",
    )


def test_pages_of_a_pdf_can_be_chosen():
    content = papers.pdf([shown(f"text {number}") for number in range(1, 6)])
    assert read(pdf, content, "2-3, 5")[1] == (
        "--- page 2 of 5 ---\ntext 2\n--- page 3 of 5 ---\ntext 3\n--- page 5 of 5 ---\ntext 5\n"
    )


def test_text_outside_of_a_pdfs_page_is_not_seen():
    content = papers.pdf([shown("seen") + shown("unseen", y=5000)])
    assert read(pdf, content)[1] == "--- page 1 of 1 ---\nseen\n"


@pytest.mark.parametrize("pages", ["0", "6", "x", "2-1", "1-", "-1", "1;2", "٣", "1,,2", "9" * 7])
def test_pages_that_are_none_are_refused(pages):
    with pytest.raises(Unreadable) as caught:
        chosen(pages, 5)
    assert caught.value.reason == "pages"


def test_pages_are_counted_from_one_and_end_with_the_document():
    assert chosen("", 3) == [0, 1, 2]
    assert chosen("2-99", 3) == [1, 2]
    assert chosen("3, 1, 1-2", 3) == [0, 1, 2]


ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
QUADRATIC = '<!DOCTYPE x [<!ENTITY e "' + "a" * 50_000 + '">]>'
SEALED = "<</Filter/Standard/V 1/R 2/P -4/O(" + "o" * 32 + ")/U(" + "u" * 32 + ")>>/ID[(a)(a)]"
OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)


@pytest.mark.parametrize(
    ("module", "content", "reason"),
    [
        (word, docx(paragraph("&e;"), head=ENTITY), "broken"),
        (word, docx(paragraph("&e;" * 5_000), head=QUADRATIC), "broken"),
        (word, docx("<w:p>"), "broken"),
        (word, papers.packed({"x": b""}), "broken"),
        (word, papers.packed({"_rels/.rels": papers.relations()}), "broken"),
        (word, OLE + "EncryptedPackage".encode("utf-16-le"), "protected"),
        (sheets, OLE + "EncryptedPackage".encode("utf-16-le"), "protected"),
        (word, OLE, "broken"),
        (sheets, OLE, "broken"),
        (sheets, b"PK", "broken"),
        (pdf, b"", "broken"),
        (pdf, b"%PDF-1.7 nothing", "broken"),
        (pdf, papers.pdf([]), "broken"),
        (pdf, papers.pdf([shown("x")], trailer=f"/Encrypt{SEALED}"), "protected"),
        (word, papers.packed({str(n): b"" for n in range(5_001)}), "too_large"),
        (sheets, papers.packed({str(n): b"" for n in range(5_001)}), "too_large"),
        (word, papers.packed({"a": bytes(10_000_000)}), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", "content"),
)
def test_a_document_that_cannot_be_read_says_why(module, content, reason):
    assert why(module, content) == reason


def test_a_zip_that_claims_to_unpack_to_gigabytes_is_not_unpacked():
    one = bytearray(papers.packed({"a": b"x" * 500}))
    at = one.index(b"PK\x01\x02")
    one[at + 24 : at + 28] = (4_000_000_000).to_bytes(4, "little")
    assert len(one) < 1_000
    assert why(word, bytes(one)) == "too_large"


def test_a_zip_with_a_password_is_protected():
    one = bytearray(docx(paragraph("x")))
    at = one.index(b"PK\x01\x02")
    one[at + 8] |= 1
    assert why(word, bytes(one)) == "protected"


def test_a_zip_inside_a_document_is_left_alone():
    inner = docx(paragraph("inner"))
    out = io.BytesIO(docx(paragraph("outer")))
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("word/embeddings/inner.docx", inner)
    assert read(word, out.getvalue())[1] == "outer\n"


def test_no_more_is_read_than_is_asked_for():
    def texts():
        yield "abc"
        yield "def"
        pytest.fail("read on")

    assert gather(texts(), 4) == ("abcd", True)
    assert gather(iter(["abcd"]), 4) == ("abcd", False)


def said(text="x", **head):
    return json.dumps({"parts": 1, "more": False, "reason": "", **head}).encode() + text.encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}\n",
        b"[]\nx",
        b"\xff\n",
        b'{"parts": 1, "more": false, "reason": ""}\n\xff',
        said("\nx", reason="obey me"),
        said("\nx", reason=[]),
        said("\nx", parts=-1),
        said("\nx", parts="3"),
        said("\nx", more=1),
        b'{"x": "' + b"x" * 500 + b'"}\n',
    ],
)
def test_a_process_that_talks_nonsense_is_not_believed(answer):
    with pytest.raises(Unreadable) as caught:
        extract(answer, "docx")
    assert caught.value.reason == "broken"


@pytest.mark.parametrize("text", ["", "ä€\U0001f600", "a\ud800b", "line\nline\r\n\x00"])
def test_an_answer_comes_back_as_it_was(text):
    out = io.BytesIO()
    Answer(text=text, parts=3, more=True).write(out)
    found = extract(out.getvalue(), "pdf")
    assert (found.text, found.parts, found.more, found.kind) == (text, 3, True, "pdf")


def test_a_job_comes_back_as_it_was():
    job = Job(kind="pdf", pages='2-3\n"', most_chars=5, size_bytes=7)
    assert Job.read(job.line()) == job
    assert job.line().count(b"\n") == 1
    assert READY.endswith(b"\n")
