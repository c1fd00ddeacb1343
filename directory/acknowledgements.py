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
from access.snapshot import View, directory_digest
from directory import template_receipts
from directory.tables import DeviceContradiction, GateApplied, GateRecord, PublishedDigest
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


def record_published(session: Session, gate: GateRecord, now: datetime) -> None:
    """Record the digests of what was just published, and delete those that are too old."""
    if gate.published is None:
        return
    policy = GatePolicy.model_validate_json(gate.published)
    full, cards = (int.from_bytes(total, "big") for total in (gate.full_total, gate.cards_total))
    session.execute(
        delete(PublishedDigest).where(
            PublishedDigest.gate == gate.name,
            (PublishedDigest.published_at < now - KEPT) | (PublishedDigest.revision >= gate.revision),
        )
    )
    session.add(
        PublishedDigest(
            gate=gate.name,
            revision=gate.revision,
            full_digest=directory_digest(policy, full),
            cards_digest=directory_digest(policy, cards),
            published_at=now,
        )
    )


def _digest(session: Session, record: GateRecord, said: Acknowledgement) -> str | None:
    if said.revision == record.revision and record.published is not None:
        total = int.from_bytes(record.full_total if said.view == "full" else record.cards_total, "big")
        return directory_digest(GatePolicy.model_validate_json(record.published), total)
    kept = session.get(PublishedDigest, (record.name, said.revision))
    if kept is None:
        return None
    return kept.full_digest if said.view == "full" else kept.cards_digest
