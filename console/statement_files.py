"""A wallet's statement as files: CSV for spreadsheets, PDF for paper."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from accounts.ledger.statement import PeriodTotals
from console.csv_table import plain_yuan, write_csv
from console.texts import Translate
from console.views.statement import ShownLine
from console.views.statement_search import StatementWish

_FONT = "STSong-Light"
"""Adobe's name for a Chinese font that every reader of PDF brings along; nothing is embedded."""
_COLUMNS = ("own_money.time", "own_money.what", "own_money.amount", "own_money.balance_after", "own_money.remark")
_WIDTHS = (31 * mm, 64 * mm, 23 * mm, 23 * mm, 39 * mm)
_MARGIN = 15 * mm


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What a file of a statement says; `lines` are the chosen ones, the oldest first."""

    holder: str
    number: str
    wish: StatementWish
    totals: PeriodTotals
    is_part: bool
    """Lines of the period were left out."""
    lines: Sequence[ShownLine]
    made_at: datetime
    zone: ZoneInfo


def write_statement_csv(file: StatementFile, t: Translate) -> str:
    """Return the lines with the opening balance before and the closing balance after them; yuan, campus time."""
    heading = [t(key) for key in (*_COLUMNS, "own_money.number")]
    opening, closing = (
        ["", t(f"own_money.{name}"), "", plain_yuan(fen), "", ""]
        for name, fen in (("opening", file.totals.opening), ("closing", file.totals.closing))
    )
    left_out = _sum_left_out(file)
    others = [["", t("own_money.left_out"), _plain(left_out), "", "", ""]] if file.is_part else []
    # Numbers go out as numbers: a minus sign in front must not make a text of them.
    lines = [[*_cells(file, line, t), str(line.id)] for line in file.lines]
    return write_csv(heading, [opening, *lines, *others, closing])


def write_statement_pdf(file: StatementFile, t: Translate) -> bytes:
    """Return the statement as PDF on A4: whose, of when, what it came to, and the lines."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    out = io.BytesIO()
    title = t("own_money.statement_title")
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="campusgate",
    )
    plain, small, head = _style(9, 12), _style(8, 10), _style(16, 22)
    period = f"{file.wish.first} – {file.wish.last}"
    story = [
        Paragraph(escape(title), head),
        Paragraph(escape(f"{file.holder} · {file.number}"), plain),
        Paragraph(escape(f"{t('own_money.period')} {period}"), plain),
        Paragraph(escape(f"{t('own_money.made_at')} {file.made_at.astimezone(file.zone):%Y-%m-%d %H:%M}"), plain),
        Spacer(1, 4 * mm),
        _sums(file, t, plain),
        Spacer(1, 5 * mm),
        _line_table(file, t, small),
    ]
    document.build(story, onFirstPage=_number_page, onLaterPages=_number_page)
    return out.getvalue()


def _sums(file: StatementFile, t: Translate, style: ParagraphStyle) -> Table:
    totals = file.totals
    rows = [("opening", totals.opening)]
    if file.is_part:
        rows += [("chosen_in", totals.chosen_in), ("chosen_out", -totals.chosen_out), ("left_out", _sum_left_out(file))]
    else:
        rows += [("paid_in", totals.paid_in), ("paid_out", -totals.paid_out)]
    rows.append(("closing", totals.closing))
    cells = [[Paragraph(escape(t(f"own_money.{name}")), style), plain_yuan(fen)] for name, fen in rows]
    table = Table(cells, colWidths=(60 * mm, 30 * mm), hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), _FONT, 9),
                ("ALIGN", (1, 0), (1, -1), "RIGHT"),
                ("LINEABOVE", (0, -1), (-1, -1), 0.5, colors.black),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _line_table(file: StatementFile, t: Translate, style: ParagraphStyle) -> Table:
    rows: list[list[object]] = [[t(key) for key in _COLUMNS]]
    for line in file.lines:
        at, what, amount, balance, remark = _cells(file, line, t)
        rows.append(
            [at, Paragraph(escape(str(what)), style), str(amount), str(balance), Paragraph(escape(str(remark)), style)]
        )
    table = Table(rows, colWidths=_WIDTHS, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), _FONT, 8),
                ("ALIGN", (2, 0), (3, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.7, colors.black),
                ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


@dataclass(frozen=True, slots=True)
class _Number:
    """A number in a table: no text, so that it stays one in a spreadsheet."""

    text: str

    def __str__(self) -> str:
        return self.text


def _plain(fen: int) -> _Number:
    return _Number(plain_yuan(fen))


def _cells(file: StatementFile, line: ShownLine, t: Translate) -> list[object]:
    at = f"{line.at.astimezone(file.zone):%Y-%m-%d %H:%M}"
    return [at, line.title, _plain(line.amount), _plain(line.balance), _remark(file, line, t)]


def _remark(file: StatementFile, line: ShownLine, t: Translate) -> str:
    parts = [t(note) for note in line.notes]
    if line.booked_at is not None:
        parts.append(f"{t('own_money.booked')} {line.booked_at.astimezone(file.zone):%Y-%m-%d %H:%M}")
    if line.undoes is not None:
        at = f"{line.undoes.at.astimezone(file.zone):%Y-%m-%d %H:%M}"
        parts.append(f"{t('own_money.undoes')} {line.undoes.words} {at} {plain_yuan(line.undoes.amount)}")
    if line.given_back:
        parts.append(f"{t('own_money.given_back')} {plain_yuan(line.given_back)}")
    return t("punctuation.semicolon").join(parts)


def _sum_left_out(file: StatementFile) -> int:
    totals = file.totals
    return (totals.paid_in - totals.chosen_in) - (totals.paid_out - totals.chosen_out)


def _style(size: float, leading: float) -> ParagraphStyle:
    return ParagraphStyle("plain", fontName=_FONT, fontSize=size, leading=leading, wordWrap="CJK")


def _number_page(canvas: object, document: object) -> None:
    canvas.setFont(_FONT, 8)  # type: ignore[attr-defined]
    canvas.drawRightString(A4[0] - _MARGIN, 8 * mm, str(document.page))  # type: ignore[attr-defined]
