"""What is kept beside the journal, compared with what the journal adds up to: what an auditor would add up by hand.

Every number that is kept because adding it up each time would take too long is checked here: balances and holds of
wallets and rooms, open holds, corrections, the counters of the limits, and the totals of closed days.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.day_replay import DayReplay
from accounts.ledger.posting import entry_of
from accounts.ledger.replay import Difference, Hold, Kept, Replay
from accounts.ledger.seal_chain import JournalReport
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import Corrected, JournalTransfer, LedgerAccount, OpenHold, SpendingCounter
from accounts.ledger.transfer import CARRYING, Entry
from database import table_of

_LINES = table_of(JournalTransfer)
_TOGETHER = 2_000
"""Lines fetched at once: a journal of years does not lie in memory."""


def check_ledger(session: Session, *, counted_since: datetime | None = None) -> list[Difference]:
    """Replay the whole journal and return every way in which the books differ from it; empty when they are right.

    Read in one snapshot (`Database.snapshot`), or a transfer made meanwhile looks like a difference. A counter that a
    line since `counted_since` touched must be there; older ones are cleared away in time.
    """
    kept = _kept(session, counted_since)
    replay, days = Replay(kept), DayReplay(session, kept.kinds)
    query = select(_LINES.c.serial, *LINE_COLUMNS).order_by(_LINES.c.serial).execution_options(yield_per=_TOGETHER)
    for row in session.execute(query):
        entry = entry_of(row[1:])
        replay.add(entry)
        days.add(row.serial, entry)
    return [*replay.differences(), *days.differences(session)]


def seal_differences(report: JournalReport) -> list[Difference]:
    """Return the faults of the journal's chain beside the others."""
    return [
        Difference("seal", f"lines {fault.first_serial}–{fault.last_serial}", fault.message, f"seal {fault.seal}")
        for fault in report.faults
    ]


def faults(journal: Iterable[Entry], kept: Kept) -> list[Difference]:
    """Return every way in which `kept` differs from what the journal's lines add up to. Pure."""
    replay = Replay(kept)
    for entry in journal:
        replay.add(entry)
    return replay.differences()


def _kept(session: Session, counted_since: datetime | None) -> Kept:
    accounts = session.execute(select(table_of(LedgerAccount))).all()
    holds = session.execute(select(table_of(OpenHold)))
    counters = session.execute(select(table_of(SpendingCounter)))
    corrects = select(_LINES.c.corrects).where(_LINES.c.corrects.is_not(None))
    return Kept(
        carried={row.id: (row.balance, row.held) for row in accounts if row.kind in CARRYING},
        open_holds={row.id: Hold(row.debit, row.credit, row.amount, row.expires_at) for row in holds},
        corrected={row.id: row.amount for row in session.execute(select(table_of(Corrected)))},
        counters={(row.account, row.window): row.spent for row in counters},
        kinds={row.id: row.kind for row in accounts},
        originals=frozenset(session.scalars(corrects)),
        counted_since=counted_since,
    )
