"""Everything that can be proved about a database: both chains, the heads noted elsewhere, and every derived number."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.audit import Verification
from accounts.audit.trail_copy import TrailCopy, TrailCopyError
from accounts.housekeeping import JOURNAL_HEAD
from accounts.ledger import seal_chain
from accounts.ledger.invariants import check_ledger
from accounts.ledger.replay import Difference
from accounts.ledger.seal_chain import Head, JournalReport
from accounts.ledger.totals import COUNTERS_KEPT
from accounts.tables import AuditEntry
from accounts.topup.verification import check_reasons
from database import Database


@dataclass(frozen=True, slots=True)
class Findings:
    """What `verify` found."""

    trail: Verification
    journal: JournalReport
    differences: tuple[Difference, ...]
    """What is stored and does not follow from the journal."""
    copied: int
    """Lines of the trail's copy that the trail was compared with."""
    copy_faults: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was changed."""
        return self.trail.intact and self.journal.whole and not self.differences and not self.copy_faults


def verify(
    database: Database,
    now: datetime,
    *,
    heads: Collection[str] = (),
    journal_heads: Collection[Head] = (),
    copy: TrailCopy | None = None,
) -> Findings:
    """Walk both chains, replay the journal, and compare with the heads given and with the copy of the trail."""
    with database.snapshot() as session:
        trail = audit.verify(session, heads=heads)
        copied, faults = _compare_copy(session, copy) if copy is not None else (0, ())
    with database.snapshot() as session:
        ledger = seal_chain.verify(session, anchors=[*_noted_heads(session), *journal_heads])
        differences = (*check_ledger(session, counted_since=now - COUNTERS_KEPT), *check_reasons(session))
    return Findings(trail, ledger, differences, copied, faults)


def _noted_heads(session: Session) -> Iterator[Head]:
    """The journal's heads that the trail holds: whoever cuts the journal would have to cut the trail too."""
    for details in session.scalars(select(AuditEntry.details).where(AuditEntry.action == JOURNAL_HEAD)):
        noted = json.loads(details)
        yield Head(int(noted["seal"]), bytes.fromhex(noted["digest"]))


def _compare_copy(session: Session, copy: TrailCopy) -> tuple[int, tuple[str, ...]]:
    """Compare line by line; the first difference tells enough."""
    copied, stored = 0, _digests(session)
    try:
        for line in copy.lines():
            serial, digest = next(stored, (None, ""))
            if serial is None:
                return copied, (f"lines from {line.serial} on are in the copy {copy.path} and gone from the trail",)
            if (serial, digest) != (line.serial, line.digest):
                return copied, (f"line {line.serial} of the trail is not the one in the copy {copy.path}",)
            copied += 1
    except TrailCopyError as error:
        return copied, (str(error),)
    return copied, ()


def _digests(session: Session) -> Iterator[tuple[int, str]]:
    serial = 0
    while entries := audit.lines_after(session, serial):
        yield from ((entry.serial, entry.digest.hex()) for entry in entries)
        serial = entries[-1].serial
