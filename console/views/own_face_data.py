"""What is stored of a person's face, where it is, until when, and what has confirmed that it is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory import template_receipts
from directory.tables import GateRecord
from directory.template_receipts import ErasureReceipt
from enrollment import consent, photos
from enrollment.services import EnrollmentServices
from enrollment.tables import (
    PhotoImage,
    PhotoRecord,
    PhotoSlot,
    PhotoState,
    PhotoThumbnail,
    TemplateRecord,
    TemplateState,
)

_MOST_RECEIPTS = 50


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """A device of a gate from which the template was taken: `confirmed_at` None until it says that it is gone."""

    gate: str
    device: str | None
    removed_at: datetime
    confirmed_at: datetime | None
    is_device_revoked: bool


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Something that is kept: the key of its words, since when, and the key of until when (`days` filled in)."""

    what: str
    since: datetime
    until: str
    days: int | None = None
    is_second: bool = False
    """Whether it belongs to the person's second photo."""


@dataclass(frozen=True, slots=True)
class OwnFaceData:
    """Everything the page says."""

    given_at: datetime | None
    is_given: bool
    has_refused: bool
    stored: Sequence[StoredPart]
    gates: Sequence[str]
    receipts: Sequence[ShownReceipt]
    outstanding: int


def find_face_data(session: Session, services: EnrollmentServices, person_id: UUID) -> OwnFaceData:
    """Return what is kept of a person's face and where it is."""
    standing = consent.find_current(session, person_id)
    where = template_receipts.whereabouts_of(session, person_id)
    titles = _find_titles(session, {*where.gates_with_template, *(one.gate for one in where.receipts)})
    return OwnFaceData(
        given_at=standing.given_at if standing else None,
        is_given=standing is not None and standing.version == services.consent_version,
        has_refused=consent.has_refused(session, person_id, services.consent_version),
        stored=[*_find_pictures(session, services, person_id), *_find_templates(session, services, person_id)],
        gates=[titles.get(name, name) for name in where.gates_with_template],
        receipts=[_describe(one, titles) for one in where.receipts[:_MOST_RECEIPTS]],
        outstanding=where.outstanding,
    )


def _describe(one: ErasureReceipt, titles: dict[str, str]) -> ShownReceipt:
    return ShownReceipt(
        titles.get(one.gate, one.gate), one.device, one.removed_at, one.confirmed_at, one.device_revoked
    )


def _find_titles(session: Session, names: set[str]) -> dict[str, str]:
    rows = session.execute(select(GateRecord.name, GateRecord.title).where(GateRecord.name.in_(names)))
    return {row[0]: row[1] for row in rows}


def _find_pictures(session: Session, services: EnrollmentServices, person_id: UUID) -> list[StoredPart]:
    own = photos.find_of_person(session, person_id)
    ids = [photo.id for photo in own]
    whole = set(session.scalars(select(PhotoImage.photo_id).where(PhotoImage.photo_id.in_(ids))))
    small = set(session.scalars(select(PhotoThumbnail.photo_id).where(PhotoThumbnail.photo_id.in_(ids))))
    found = []
    for photo in own:
        since, is_second = photo.uploaded_at, _is_second(photo.slot)
        if photo.id in whole:
            found.append(_describe_picture(services, photo.state, since, is_second=is_second))
        if photo.id in small:
            until = "face_data.until_template"
            found.append(StoredPart("face_data.small_picture", since, until, is_second=is_second))
    return found


def _is_second(slot: str | None) -> bool:
    return slot == PhotoSlot.SECOND


def _describe_picture(services: EnrollmentServices, state: str, since: datetime, *, is_second: bool) -> StoredPart:
    retention = services.retention
    if state == PhotoState.REJECTED:
        days = retention.rejected_photos.days
        return StoredPart("face_data.picture_rejected", since, "face_data.until_rejected", days, is_second)
    if state == PhotoState.APPROVED and services.keep_pictures:
        return StoredPart("face_data.picture", since, "face_data.until_template", is_second=is_second)
    return StoredPart("face_data.picture", since, "face_data.until_decided", is_second=is_second)


def _find_templates(session: Session, services: EnrollmentServices, person_id: UUID) -> list[StoredPart]:
    query = (
        select(TemplateRecord.state, TemplateRecord.made_at, PhotoRecord.slot)
        .outerjoin(PhotoRecord, PhotoRecord.id == TemplateRecord.photo_id)
        .where(TemplateRecord.person_id == person_id, TemplateRecord.state != TemplateState.WITHDRAWN)
        .order_by(TemplateRecord.made_at)
    )
    days = services.retention.after_leaving.days
    return [
        StoredPart(f"face_data.template_{state}", made_at, "face_data.until_left", days, _is_second(slot))
        for state, made_at, slot in session.execute(query)
    ]
