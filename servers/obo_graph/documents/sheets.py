"""The text of a workbook (xlsx, xlsm, xlsb, xls, ods): visible sheets, each row as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from obo_graph.documents.extract import Pieces, Unreadable
from obo_graph.documents.package import Package
from obo_graph.documents.pages import chosen

Cell = int | float | str | bool | time | date | datetime | timedelta

_MOST_COLUMNS = 200
_ZIP = b"PK\x03\x04"
_ROWS_AT_ONCE = 50


def pieces(content: bytes, pages: str) -> Pieces:
    """The rows of the sheets of `content` that `pages` names by number or by name.

    Raises:
        Unreadable: `broken`, `protected`, `too_large` or `pages`.
    """
    if content.startswith(_ZIP):
        Package(content)  # checks what it would unpack to
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError as error:
        raise Unreadable("protected") from error
    except CalamineError as error:
        raise Unreadable(_why(content)) from error
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    return Pieces(len(names), _texts(book, names, chosen(pages, len(names), names)))


def _why(content: bytes) -> str:
    return "protected" if "EncryptedPackage".encode("utf-16-le") in content else "broken"


def _texts(book: CalamineWorkbook, names: list[str], wanted: list[int]) -> Iterator[str]:
    for at in wanted:
        yield f"--- sheet {' '.join(names[at].split())} ---\n"
        try:
            sheet = book.get_sheet_by_name(names[at])
        except CalamineError as error:
            raise Unreadable("broken") from error
        yield from _rows(sheet)


def _rows(sheet: CalamineSheet) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = _cells(row)
        if cells:
            writer.writerow(cells)
        if number % _ROWS_AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cells(row: Sequence[Cell]) -> list[str]:
    cells = [_shown(cell) for cell in row[:_MOST_COLUMNS]]
    while cells and not cells[-1]:
        cells.pop()
    if len(row) > _MOST_COLUMNS and any(cell != "" for cell in row[_MOST_COLUMNS:]):
        cells.append("(more columns)")
    return cells


def _shown(cell: Cell) -> str:
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
