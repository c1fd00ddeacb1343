"""What gates' devices say they have in force, and whether it can be true.

An acknowledgement closes receipts for erased templates and ends the lag of a revocation, so it counts only with the
digest of a directory that this server has published: whoever has not fetched it cannot know it. What cannot be true is
refused and stands as a contradiction, for an alarm, until the device acknowledges what is right.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.snapshot import View, add_digest, directory_digest
from database import Database
from directory import template_receipts
from directory.list_tables import PastGate, PastList, SharedList
from directory.tables import DeviceContradiction, GateApplied, GateRecord
from web.problems import NotFoundError, ProblemError

KEPT = timedelta(hours=1)
"""How long digests of older revisions are known. A device acknowledges what it has fetched within seconds; one that
takes longer fetches once more.
"""


class Contradiction(StrEnum):
    """Why an acknowledgement cannot be true."""

    REVISION_AHEAD = "revision_ahead"
    """Ahead of everything published here."""
    REVISION_UNKNOWN = "revision_unknown"
    """Never published, or so long ago that nobody can have fetched it just now."""
    WRONG_DIGEST = "wrong_digest"
    NO_DIGEST = "no_digest"
    WRONG_VIEW = "wrong_view"
    """A door controller says that it holds templates, which no controller gets."""
    WRONG_GATE = "wrong_gate"


class ImpossibleAcknowledgementError(ProblemError):
    """What the device says it has in force is no directory of this server; `reason` says why. Nothing was recorded."""

    code = "acknowledgement_impossible"
    status = 409
    title = "This server published no such directory: fetch the changes again, then acknowledge"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a device says it has in force."""

    device_id: UUID
    view: View
    revision: int
    digest: str | None


def find_contradiction(session: Session, gate: str, said: Acknowledgement, *, may_hold_templates: bool) -> str | None:
    """Return why an acknowledgement cannot be true, or None.

    Raises:
        NotFoundError: no such gate.
    """
    record = session.get(GateRecord, gate)
    if record is None:
        raise NotFoundError(f"there is no gate {gate!r}")
    if said.view == "full" and not may_hold_templates:
        return Contradiction.WRONG_VIEW
    if said.digest is None:
        return Contradiction.NO_DIGEST
    if record.published is None or said.revision > record.revision:
        return Contradiction.REVISION_AHEAD
    expected = _digest(session, record, said)
    if expected is None:
        return Contradiction.REVISION_UNKNOWN
    return None if hmac.compare_digest(expected, said.digest) else Contradiction.WRONG_DIGEST


def take(database: Database, gate: str, said: Acknowledgement, now: datetime) -> bool:
    """Record what a device says with its question for changes, and return whether it counts.

    What cannot be compared any more does not: a device that was away for long is sent what follows. A digest that is
    not that of what was published stands as a contradiction.

    Raises:
        NotFoundError: no such gate.
    """
    with database.begin() as session:
        reason = find_contradiction(session, gate, said, may_hold_templates=True)
        if reason is None:
            record(session, gate, said, now)
        elif reason == Contradiction.WRONG_DIGEST:
            record_contradiction(session, said.device_id, gate, reason, now)
        return reason is None


def record(session: Session, gate: str, said: Acknowledgement, now: datetime) -> None:
    """Record what a device has in force; its lag, its receipts and what it contradicted before follow."""
    applied = session.get(GateApplied, (gate, said.view, said.device_id))
    if applied is None:
        applied = GateApplied(gate=gate, view=said.view, device_id=said.device_id, revision=-1, applied_at=now)
        session.add(applied)
    if applied.revision != said.revision:
        applied.revision, applied.applied_at = said.revision, now
    applied.digest, applied.seen_at = said.digest, now
    if said.view == "full":
        template_receipts.confirm(session, gate, said.device_id, said.revision, now)
    session.execute(delete(DeviceContradiction).where(DeviceContradiction.device_id == said.device_id))


def record_contradiction(session: Session, device_id: UUID, gate: str, reason: str, now: datetime) -> None:
    """Record that a device of `gate` said what cannot be true."""
    found = session.get(DeviceContradiction, device_id)
    if found is None:
        found = DeviceContradiction(device_id=device_id, gate=gate, reason=reason, at=now)
        session.add(found)
    found.gate, found.reason, found.at = gate, reason, now


def find_contradictions(session: Session) -> Sequence[DeviceContradiction]:
    """Return which devices said what cannot be true, and nothing right since."""
    return session.scalars(select(DeviceContradiction).order_by(DeviceContradiction.device_id)).all()


def forget_past(session: Session, now: datetime) -> None:
    """Delete what was replaced so long ago that nobody can be about to acknowledge it."""
    for table in (PastList, PastGate):
        session.execute(delete(table).where(table.replaced_at < now - KEPT))


@dataclass(frozen=True, slots=True)
class _Part:
    """What was a gate's own, or what its list added up to, from a revision on."""

    revision: int
    total: int
    list_id: UUID | None = None
    published: str = ""


def _digest(session: Session, gate: GateRecord, said: Acknowledgement) -> str | None:
    """Return the digest of a gate's directory as it was at the revision that a device says; None: not known."""
    own = _find_own(session, gate, said)
    if own is None:
        return None
    shared = _find_list(session, own.list_id, said) if own.list_id is not None else _Part(0, 0)
    if shared is None or max(own.revision, shared.revision) != said.revision:
        return None
    return directory_digest(GatePolicy.model_validate_json(own.published), add_digest(own.total, shared.total))


def _find_own(session: Session, gate: GateRecord, said: Acknowledgement) -> _Part | None:
    if gate.own_revision <= said.revision:
        total = gate.own_full if said.view == "full" else gate.own_cards
        return _Part(gate.own_revision, int.from_bytes(total, "big"), gate.list_id, gate.published or "")
    past = session.scalar(
        select(PastGate)
        .where(PastGate.gate == gate.name, PastGate.revision <= said.revision)
        .order_by(PastGate.revision.desc())
        .limit(1)
    )
    if past is None:
        return None
    total = past.own_full if said.view == "full" else past.own_cards
    return _Part(past.revision, int.from_bytes(total, "big"), past.list_id, past.published)


def _find_list(session: Session, list_id: UUID, said: Acknowledgement) -> _Part | None:
    present = session.get(SharedList, list_id)
    if present is not None and present.revision <= said.revision:
        return _Part(present.revision, present.total(said.view))
    past = session.scalar(
        select(PastList)
        .where(PastList.list_id == list_id, PastList.revision <= said.revision)
        .order_by(PastList.revision.desc())
        .limit(1)
    )
    if past is None:
        return None
    return _Part(past.revision, int.from_bytes(past.full_total if said.view == "full" else past.cards_total, "big"))
