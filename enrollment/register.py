"""How many distinct people have a template: above a number set by law, the processing must be filed."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from enrollment.tables import TemplateRecord, TemplateState

FILING_DUE_AT = 100_000
"""Measures for Face Recognition, in force since 2025-06-01: file within 30 working days of reaching this number."""
WARN_AT = 0.8


@dataclass(frozen=True, slots=True)
class Count:
    """Distinct people with a template that has not been withdrawn."""

    people: int

    @property
    def warning(self) -> bool:
        """Whether the number is close to the one from which a filing is due."""
        return self.people >= WARN_AT * FILING_DUE_AT


def by_model(session: Session) -> dict[str, int]:
    """Count the people whose active template is of a model, by the model's id."""
    rows = session.execute(
        select(TemplateRecord.model_id, func.count(func.distinct(TemplateRecord.person_id)))
        .where(TemplateRecord.state == TemplateState.ACTIVE)
        .group_by(TemplateRecord.model_id)
        .order_by(TemplateRecord.model_id)
    )
    return {row[0]: row[1] for row in rows}


def count(session: Session) -> Count:
    """Count people, each once, whatever number of templates they have."""
    people = session.scalar(
        select(func.count(func.distinct(TemplateRecord.person_id))).where(
            TemplateRecord.state != TemplateState.WITHDRAWN
        )
    )
    return Count(people or 0)
