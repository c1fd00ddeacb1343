"""Tables as Excel workbooks, as downloads."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from console.csv_table import download

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTH = 22


def write_workbook(title: str, heading: Sequence[str], rows: Iterable[Sequence[object]], zone: ZoneInfo) -> bytes:
    """Return one sheet with a heading that stays; texts are never taken for formulas, moments are of `zone`."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for column in range(1, len(heading) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTH
    sheet.append([_cell(sheet, one, is_bold=True) for one in heading])
    for row in rows:
        sheet.append([_cell(sheet, _plain(one, zone)) for one in row])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def workbook_response(content: bytes, filename: str, renewed: Response) -> Response:
    """Return what `write_workbook` wrote as a download."""
    return download(content, filename, MEDIA_TYPE, renewed)


def _plain(value: object, zone: ZoneInfo) -> object:
    """Excel knows no time zones: a moment is written as the campus's clock shows it."""
    return value.astimezone(zone).replace(tzinfo=None) if isinstance(value, datetime) else value


def _cell(sheet: object, value: object, *, is_bold: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    if is_bold:
        cell.font = Font(bold=True)
    return cell
