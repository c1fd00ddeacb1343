"""Everything that enrolment holds about one person, for that person."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import AuditEntry
from database import Sealer
from enrollment import consent, photos
from enrollment.tables import Consent, Notice, PhotoRecord, TemplateRecord
from web.problems import NotFoundError

Gates = Callable[[Session, UUID], dict[str, Any]]
"""Says which gates hold a person's template, and which have confirmed that it is gone; the rim knows."""


def export_person(session: Session, sealer: Sealer, person_id: UUID, gates: Gates | None = None) -> dict[str, Any]:
    """Return photos with pictures and steps, templates without vectors, consents, refusals, notices, gates.

    The vector itself is left out: it says nothing to a person, and could open a gate for whoever finds the export. So
    are other people: of look-alikes only their number is told.
    """
    templates = session.scalars(
        select(TemplateRecord).where(TemplateRecord.person_id == person_id).order_by(TemplateRecord.id)
    )
    notices = session.scalars(select(Notice).where(Notice.person_id == person_id).order_by(Notice.id))
    return {
        "person_id": str(person_id),
        "gates": gates(session, person_id) if gates else None,
        "photos": [_describe_photo(session, sealer, photo) for photo in photos.find_of_person(session, person_id)],
        "templates": [_describe_template(template) for template in templates],
        "consents": [_describe_consent(given) for given in consent.find_all(session, person_id)],
        "refusals": [
            {"version": one.version, "refused_at": _format_time(one.refused_at), "evidence": one.evidence}
            for one in consent.find_refusals(session, person_id)
        ],
        "notices": [
            {"at": _format_time(notice.at), "kind": notice.kind, "content": notice.content} for notice in notices
        ],
    }


def _describe_photo(session: Session, sealer: Sealer, photo: PhotoRecord) -> dict[str, Any]:
    steps = session.scalars(
        select(AuditEntry).where(AuditEntry.subject == f"photo:{photo.id}").order_by(AuditEntry.serial)
    )
    return {
        "id": str(photo.id),
        "slot": photo.slot,
        "taken_by": photo.source,
        "state": photo.state,
        "uploaded_at": _format_time(photo.uploaded_at),
        "decided_at": _format_time(photo.decided_at),
        "verdict": photo.verdict,
        "report": photo.report,
        "comparison": _describe_comparison(photo.identity),
        "reasons": photo.reasons,
        "note": photo.note,
        "picture_jpeg_base64": _encode_picture(session, sealer, photo.id, photos.read_picture),
        "small_picture_jpeg_base64": _encode_picture(session, sealer, photo.id, photos.read_small_picture),
        "steps": [{"at": _format_time(step.at), "action": step.action} for step in steps],
    }


def _describe_template(template: TemplateRecord) -> dict[str, Any]:
    return {
        "id": str(template.id),
        "photo": None if template.photo_id is None else str(template.photo_id),
        "model": template.model_id,
        "state": template.state,
        "source": template.source,
        "made_at": _format_time(template.made_at),
        "withdrawn_at": _format_time(template.withdrawn_at),
    }


def _describe_consent(given: Consent) -> dict[str, Any]:
    return {
        "purpose": given.purpose,
        "version": given.version,
        "given_at": _format_time(given.given_at),
        "evidence": given.evidence,
        "withdrawn_at": _format_time(given.withdrawn_at),
    }


def _describe_comparison(identity: dict[str, Any] | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    told = {name: identity.get(name) for name in ("own_similarity", "reference_similarity", "own_threshold")}
    told["agrees_with"] = [one["photo_id"] for one in identity.get("agreements", ()) if one["agrees"]]
    return {**told, "look_alikes": len(identity["duplicates"])}


def _encode_picture(
    session: Session, sealer: Sealer, photo_id: UUID, read: Callable[[Session, Sealer, UUID], bytes]
) -> str | None:
    try:
        return base64.b64encode(read(session, sealer, photo_id)).decode()
    except NotFoundError:
        return None


def _format_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
