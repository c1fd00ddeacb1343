"""The close of past days as the server does it by itself: after everything was checked, or with an alarm instead."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog

from accounts.audit.trail_copy import TrailCopy
from accounts.ledger import totals
from accounts.ledger.invariants import seal_differences
from accounts.ledger.replay import Difference
from accounts.ledger.totals import DayEndError, LedgerDiffersError
from campusgate.processes.jobs.site_alarm import set_site_alarm
from campusgate.verification import Findings, verify
from database import Database
from operations.alarms.rules import AlarmKind

log = structlog.get_logger()

_NAMED = 20
"""Differences that the log names; `campusgate audit verify` prints all."""


def close_past_days(database: Database, zone: ZoneInfo, copy: TrailCopy, now: datetime) -> list[date]:
    """Close every day that is over and return those; with an alarm and none where anything was changed."""

    def require_intact(database: Database, now: datetime) -> None:
        if differences := _differences(verify(database, now, copy=copy)):
            raise LedgerDiffersError(differences)

    try:
        closed = totals.close_days_before(database, now.astimezone(zone).date(), zone, now, require=require_intact)
    except DayEndError as error:
        differences = error.differences if isinstance(error, LedgerDiffersError) else ()
        log.critical("day_end_refused", error=str(error), differences=[str(one) for one in differences[:_NAMED]])
        set_site_alarm(database, AlarmKind.BOOKS_DIFFER, now, raises=True, reason="day_end_refused")
        return []
    if closed:
        set_site_alarm(database, AlarmKind.BOOKS_DIFFER, now, raises=False)
    return closed


def _differences(found: Findings) -> list[Difference]:
    trail = found.trail
    broken = (
        []
        if trail.first_broken is None
        else [Difference("line", f"trail {trail.first_broken}", "as before", "changed")]
    )
    copy = [Difference("copy", "audit trail", fault, "changed") for fault in found.copy_faults]
    return [*broken, *copy, *seal_differences(found.journal), *found.differences]
