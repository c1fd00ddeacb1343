"""What the campus's database holds for a calibration: templates of approved photos, and the gate's passages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.reasons import Reason
from campusgate.calibration.study import Passages, Scores
from database import Sealer
from directory import listed_people
from enrollment import templates
from messages import EventKind
from models.score_tail import Vectors
from operations.tables import GateEvent


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """`people` are everybody's unit rows (k, D); `size` of them may pass the gate."""

    people: list[Vectors]
    size: int
    passages: Passages


def gather(session: Session, sealer: Sealer, gate: str, *, model_id: str, since: datetime) -> Evidence:
    """Read templates and passages of `model_id`. Who is who is left behind: only vectors and scores go on.

    Raises:
        database.SealingError: a template cannot be opened.
    """
    found = templates.load_active(session, sealer, model_id)
    listed = set(session.scalars(listed_people.select_people(gate)))
    people = [np.stack([template.vector for template in own]) for own in found.values()]
    return Evidence(people, _listed(found, listed), passages(session, gate, model_id=model_id, since=since))


def passages(session: Session, gate: str, *, model_id: str, since: datetime) -> Passages:
    """Return the scores that the gate's events carry."""
    rows = session.execute(
        select(GateEvent.kind, GateEvent.reason, GateEvent.details)
        .where(
            GateEvent.gate == gate,
            GateEvent.at >= since,
            GateEvent.kind.in_((EventKind.FACE_GRANTED.value, EventKind.FACE_REFUSED.value)),
        )
        .order_by(GateEvent.sequence)
    )
    genuine, strangers, unknown = [], [], []
    for kind, reason, details in rows:
        if details.get("model") != model_id or "score" not in details:
            continue
        if kind == EventKind.FACE_GRANTED:
            genuine.append(details["score"])
            if "second" in details:
                strangers.append(details["second"])
        elif reason == Reason.UNKNOWN_FACE:
            unknown.append(details["score"])
    return Passages(_scores(genuine), _scores(strangers), _scores(unknown))


def _listed(found: Collection[UUID], listed: set[UUID]) -> int:
    return sum(person_id in listed for person_id in found)


def _scores(values: list[float]) -> Scores:
    return np.array(values, np.float64)
