"""The day's reconciliation as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from datetime import date

from metering.billing.reconciliation import RoomDay

_HEADING = ("day", "building", "room", "finding", "read_kwh", "charged_kwh", "charged_yuan", "ledger_yuan")


def write_table(day: date, rooms: Iterable[RoomDay]) -> str:
    """Return the comparison as CSV; energy in kWh, money in yuan."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_HEADING)
    for one in rooms:
        energy = ("" if wh is None else f"{wh // 1000}.{wh % 1000:03}" for wh in (one.read_wh, one.charged_wh))
        money = (f"{fen // 100}.{fen % 100:02}" for fen in (one.charged_fen, one.ledger_fen))
        table.writerow((day, _safe(one.building), _safe(one.number), one.finding.value, *energy, *money))
    return text.getvalue()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" else text
