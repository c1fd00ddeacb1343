"""Taking in one photo: assessed outside the transaction, stored and compared inside it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from database import Sealer
from enrollment import decisions, lifecycle, notices, photo_pairs, photos, templates
from enrollment.assessment import Assessment
from enrollment.compared_model import ComparedModel
from enrollment.identity import IdentityFindings, compare
from enrollment.quality import Verdict
from enrollment.tables import PhotoRecord, PhotoSlot, PhotoState, TemplateState
from models.template import Template

_CHECK = "check"
LEAST_SEARCHED = 1000
"""A small campus is no reason to call somebody alike who would not be on a large one."""


def identify(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    made: Sequence[Template],
    *,
    models: Sequence[ComparedModel],
    slot: PhotoSlot = PhotoSlot.FIRST,
) -> IdentityFindings | None:
    """Compare a photo's templates `made` with the person's own ones and with everybody else's; None without any.

    Each template with those of its model; what an earlier of `models` finds counts before a later one's. With their
    photo in the other slot it is compared by every model: one may know it alone.
    """
    findings: IdentityFindings | None = None
    for model in models:
        template = next((one for one in made if one.model_id == model.engine.model_id), None)
        if template is not None:
            found = _identify_by(session, sealer, person_id, template, model)
            findings = found if findings is None else findings.completed_by(found)
    if findings is None:
        return None
    engines = tuple(model.engine for model in models)
    agreements = photo_pairs.find_agreements(session, sealer, person_id, made, slot=slot, engines=engines)
    return replace(findings, agreements=agreements)


def _identify_by(
    session: Session, sealer: Sealer, person_id: UUID, template: Template, model: ComparedModel
) -> IdentityFindings:
    engine = model.engine
    own, references = templates.load_for_comparison(session, sealer, engine.model_id, person_id)
    duplicate_threshold = engine.threshold("identification", max(len(model.gallery), LEAST_SEARCHED))
    return compare(
        template,
        own,
        model.gallery.search(session, template, besides=person_id, least=duplicate_threshold),
        references=references,
        own_threshold=engine.threshold("verification"),
        duplicate_threshold=duplicate_threshold,
    )


def store(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    assessment: Assessment,
    identity: IdentityFindings | None,
    *,
    by: str,
    now: datetime,
    uploaded_by: UUID | None,
    with_thumbnail: bool = True,
    slot: PhotoSlot = PhotoSlot.FIRST,
) -> PhotoRecord:
    """Store a readable photo and send it on: to a reviewer, or back to the person with advice.

    The same file handed in again is the same photo. A photo that waited already in this `slot` is replaced by the newer
    one.
    """
    before = photos.find_by_digest(session, person_id, assessment.digest, slot)
    if before is not None:
        return before
    for waiting in photos.find_in_state(session, person_id, PhotoState.IN_REVIEW, slot=slot):
        lifecycle.step(session, waiting, PhotoState.REPLACED, by=by, now=now, why={"why": "a newer photo"})
        waiting.decided_at, waiting.claimed_by, waiting.claimed_until = now, None, None
    photo = photos.store(
        session,
        sealer,
        person_id,
        assessment,
        by=by,
        now=now,
        uploaded_by=uploaded_by,
        with_thumbnail=with_thumbnail,
        slot=slot,
    )
    photo.identity = identity.to_json() if identity else None
    if assessment.report.verdict is Verdict.REJECT:
        failed = [result.rule for result in assessment.report.failed]
        decisions.reject(session, photo, failed, by=_CHECK, now=now)
        notices.write_decision_notice(session, photo, now=now)
    else:
        lifecycle.step(session, photo, PhotoState.IN_REVIEW, by=_CHECK, now=now)
    return photo


def ask_for_review(
    session: Session,
    sealer: Sealer,
    photo: PhotoRecord,
    made: Sequence[Template],
    *,
    models: Sequence[ComparedModel],
    by: str,
    now: datetime,
) -> None:
    """Bring a photo that the rules rejected before a reviewer, as its person wishes; `made` are its templates.

    Raises:
        lifecycle.StepError: a reviewer has decided already, or the photo is not rejected.
        photo_pairs.FirstPhotoMissingError, photo_pairs.PhotosDisagreeError: of a second photo.
    """
    require_refused_by_rules(photo)
    slot = PhotoSlot(photo.slot)
    first = photo_pairs.require_first(session, photo.person_id) if slot is PhotoSlot.SECOND else None
    present = templates.find_models(session, photo.id)
    for template in made:
        if template.model_id not in present:
            templates.store(
                session, sealer, photo.person_id, template, at=now, photo_id=photo.id, state=TemplateState.CANDIDATE
            )
    identity = identify(session, sealer, photo.person_id, made, models=models, slot=slot)
    photo.identity = identity.to_json() if identity else None
    if first is not None:
        photo_pairs.require_agreement(photo, first)
    lifecycle.step(session, photo, PhotoState.IN_REVIEW, by=by, now=now, why={"why": "asked for by the person"})
    photo.decided_at = photo.reasons = None


def require_refused_by_rules(photo: PhotoRecord) -> None:
    """Say no unless the rules, and no reviewer, rejected the photo.

    Raises:
        lifecycle.StepError: a reviewer has decided already, or the photo is not rejected.
    """
    if photo.state != PhotoState.REJECTED or photo.decided_by is not None:
        raise lifecycle.StepError("only a photo that the rules rejected can be brought before a reviewer")
