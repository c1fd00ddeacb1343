"""From settings to the services of enrolment."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from campusgate.settings import EnrollmentSettings
from campusgate.wiring.memory import give_back_memory
from database import Database, Sealer
from directory import template_receipts
from directory.api.receipts import AccountOut
from enrollment.photo_workers import PhotoWorkers
from enrollment.quality import Checker
from enrollment.retention import RetentionPolicy
from enrollment.services import EnrollmentServices
from models.engine import FaceEngine


def make_enrollment(
    settings: EnrollmentSettings,
    database: Database,
    sealer: Sealer,
    engine: FaceEngine,
    checker: Checker,
    *,
    further_engines: Sequence[FaceEngine],
    uses_model: Callable[[str], bool],
    retention: RetentionPolicy,
) -> EnrollmentServices:
    """Return the services; a person's export names the gates that hold their template."""
    return EnrollmentServices(
        database,
        sealer,
        engine,
        checker,
        consent_version=settings.consent_version,
        gate_photo_version=settings.gate_photo_version if settings.gate_photos else None,
        keep_pictures=settings.keep_pictures,
        with_thumbnails=settings.keep_thumbnails,
        further_engines=tuple(further_engines),
        uses_model=uses_model,
        gates=_gates_of_person,
        photos_a_day=settings.photos_a_day,
        retention=retention,
        workers=PhotoWorkers(when_idle=give_back_memory),
    )


def _gates_of_person(session: Session, person_id: UUID) -> dict[str, Any]:
    return AccountOut.model_validate(template_receipts.whereabouts_of(session, person_id)).model_dump(mode="json")
