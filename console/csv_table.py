"""Tables for spreadsheets, as downloads."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Response

from console.rendering import copy_cookies

_UTF8_MARK = "\ufeff"
"""By which spreadsheets know that it is UTF-8."""


def write_csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV; a text that a spreadsheet would take for a formula is kept from it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(heading)
    table.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def download(content: str | bytes, filename: str, media_type: str, renewed: Response) -> Response:
    """Return a file that the browser saves and nobody keeps on the way; `renewed` as for `copy_cookies`."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return copy_cookies(Response(content, media_type=media_type, headers=headers), renewed)


def csv_response(text: str, filename: str, renewed: Response) -> Response:
    """Return what `write_csv` wrote as a download."""
    return download(_UTF8_MARK + text, filename, "text/csv; charset=utf-8", renewed)


def plain_yuan(fen: int) -> str:
    """Return an amount in yuan as spreadsheets read it: `-12.30`."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def local_time(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a moment in campus time as spreadsheets read it: `2026-11-27 12:00:00+08:00`; nothing for none."""
    return "" if moment is None else moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
