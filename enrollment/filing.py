"""How many distinct people have a template: above a number set by law, the processing must be filed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.tables import PersonRole
from accounts.vocabulary import Role
from enrollment import notices
from enrollment.tables import Notice, TemplateRecord, TemplateState

FILING_DUE_AT = 100_000
"""Measures for Face Recognition, in force since 2025-06-01: file within 30 working days of reaching this number."""
WARN_AT = 0.8
_WARN_EVERY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PeopleCount:
    """Distinct people with a template that has not been withdrawn."""

    people: int

    @property
    def warning(self) -> bool:
        """Whether the number is close to the one from which a filing is due."""
        return self.people >= WARN_AT * FILING_DUE_AT


def warn_administrators(session: Session, *, now: datetime) -> int | None:
    """Tell the administrators when the number comes near, once in `_WARN_EVERY`; return the number if it was said."""
    found = count_people(session)
    if not found.warning:
        return None
    recent = Notice.at > now - _WARN_EVERY
    if session.scalar(select(Notice.id).where(Notice.kind == notices.REGISTER_WARNING, recent).limit(1)) is not None:
        return None
    for person_id in session.scalars(select(PersonRole.person_id).where(PersonRole.role == Role.ADMIN)):
        notices.write_filing_notice(session, person_id, people=found.people, filing_due_at=FILING_DUE_AT, now=now)
    return found.people


def count_by_model(session: Session) -> dict[str, int]:
    """Count the people whose active template is of a model, by the model's id."""
    rows = session.execute(
        select(TemplateRecord.model_id, func.count(func.distinct(TemplateRecord.person_id)))
        .where(TemplateRecord.state == TemplateState.ACTIVE)
        .group_by(TemplateRecord.model_id)
        .order_by(TemplateRecord.model_id)
    )
    return {row[0]: row[1] for row in rows}


def count_people(session: Session) -> PeopleCount:
    """Count people, each once, whatever number of templates they have."""
    people = session.scalar(
        select(func.count(func.distinct(TemplateRecord.person_id))).where(
            TemplateRecord.state != TemplateState.WITHDRAWN
        )
    )
    return PeopleCount(people or 0)
