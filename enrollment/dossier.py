"""Everything that enrolment holds about one person, for that person."""

import base64
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from database import Sealer
from enrollment import consent, photos
from enrollment.tables import Notice, PhotoImage, TemplateRecord

Gates = Callable[[Session, UUID], dict[str, Any]]
"""Says which gates hold a person's template, and which have confirmed that it is gone; the rim knows."""


def of_person(session: Session, sealer: Sealer, person_id: UUID, gates: Gates | None = None) -> dict[str, Any]:
    """Return photos with their pictures (base64 JPEG), templates without their vectors, consents, notices, gates.

    The vector itself is left out: it says nothing to a person, and could open a gate for whoever finds the export.
    """
    kept = {
        image.photo_id
        for image in session.scalars(
            select(PhotoImage).where(
                PhotoImage.photo_id.in_([photo.id for photo in photos.of_person(session, person_id)])
            )
        )
    }
    templates = session.scalars(
        select(TemplateRecord).where(TemplateRecord.person_id == person_id).order_by(TemplateRecord.id)
    )
    notices = session.scalars(select(Notice).where(Notice.person_id == person_id).order_by(Notice.id))
    return {
        "person_id": str(person_id),
        "gates": gates(session, person_id) if gates else None,
        "photos": [
            {
                "id": str(photo.id),
                "state": photo.state,
                "uploaded_at": photo.uploaded_at.isoformat(),
                "decided_at": photo.decided_at.isoformat() if photo.decided_at else None,
                "verdict": photo.verdict,
                "report": photo.report,
                "reasons": photo.reasons,
                "note": photo.note,
                "picture_jpeg_base64": (
                    base64.b64encode(photos.picture(session, sealer, photo.id)).decode() if photo.id in kept else None
                ),
            }
            for photo in photos.of_person(session, person_id)
        ],
        "templates": [
            {
                "id": str(template.id),
                "model": template.model_id,
                "state": template.state,
                "source": template.source,
                "made_at": template.made_at.isoformat(),
                "withdrawn_at": template.withdrawn_at.isoformat() if template.withdrawn_at else None,
            }
            for template in templates
        ],
        "consents": [
            {
                "version": given.version,
                "given_at": given.given_at.isoformat(),
                "evidence": given.evidence,
                "withdrawn_at": given.withdrawn_at.isoformat() if given.withdrawn_at else None,
            }
            for given in consent.history(session, person_id)
        ],
        "notices": [
            {"at": notice.at.isoformat(), "kind": notice.kind, "content": notice.content} for notice in notices
        ],
    }
