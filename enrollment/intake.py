"""Mass enrolment: a list of people and their photos, in parallel, and safe to start again after a kill.

Each person is one transaction: account, photo, decision and template are there together or not at all. A file that was
taken for a person before is not taken again, so a second run only does what the first one left.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import people
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from database import Database, Sealer
from enrollment import lifecycle, photos
from enrollment.ahead import in_order
from enrollment.assessment import Assessment, Engine, assess
from enrollment.gallery import Gallery
from enrollment.identity import IdentityFindings
from enrollment.quality import Checker, QualityReport, Verdict
from enrollment.roster import PhotoSource, RosterRow, open_source, read_roster
from enrollment.tables import PhotoRecord, PhotoState
from enrollment.upload import identify
from web.problems import ProblemError

_log = structlog.get_logger()

_ACTOR = "import"
_ORDER = (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT)


class Outcome(StrEnum):
    """What became of one person of the list."""

    ENROLLED = "enrolled"
    """The photo was approved; its template opens gates."""
    IN_REVIEW = "in_review"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"
    NO_PHOTO = "no_photo"
    INVALID = "invalid"
    """The line of the list describes no person."""
    ALREADY_THERE = "already_there"
    """This very file was approved for this person before."""


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of one line; `why` is in words, `report` is the check of the photo."""

    line: int
    number: str
    name: str
    photo: str | None
    outcome: Outcome
    why: str = ""
    report: QualityReport | None = None
    person_id: UUID | None = None


@dataclass(slots=True)
class ImportReport:
    """The results of all lines, in the order of the list."""

    results: list[IntakeResult] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """Return how many lines ended in `outcome`."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def failures(self) -> list[IntakeResult]:
        """The lines that enrolled nobody."""
        return [one for one in self.results if one.outcome not in {Outcome.ENROLLED, Outcome.ALREADY_THERE}]


Progress = Callable[[int, int], None]
"""Called with the number of lines done and of all lines."""


def import_folder(
    folder: Path,
    database: Database,
    engine: Engine,
    sealer: Sealer,
    *,
    progress: Progress | None = None,
    checker: Checker | None = None,
    approve: Verdict = Verdict.ACCEPT,
    workers: int = 2,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ImportReport:
    """Enrol everyone on the list in `folder` (a folder or a ZIP file).

    `approve` is the worst verdict that needs no reviewer: by default only photos that keep every rule are approved by
    whoever runs the import, and those with an advisory finding wait in the review queue.

    Raises:
        enrollment.roster.RosterError: the list itself cannot be used; nothing was imported.
    """
    checker = checker or Checker(engine)
    gallery = Gallery(sealer, engine.model_id)
    report = ImportReport()
    with open_source(folder) as source, ThreadPoolExecutor(workers, thread_name_prefix="intake") as pool:
        rows = read_roster(source)
        known = _known(database)
        for row, taken in _assessed(rows, source, known, lambda content: assess(content, engine, checker), pool):
            try:
                with database.begin() as session:
                    person_id = _person(session, row, now())
                    identity = None
                    if isinstance(taken, Assessment):
                        identity = identify(session, sealer, person_id, taken, engine=engine, gallery=gallery)
                    result = _enrol(session, sealer, row, taken, person_id, identity, approve=approve, now=now())
            except ProblemError as error:
                result = _result(row, Outcome.INVALID, str(error), taken)
            report.results.append(result)
            if progress:
                progress(len(report.results), len(rows))
    _log.info("intake_done", lines=len(rows), enrolled=report.count(Outcome.ENROLLED), failed=len(report.failures))
    return report


@dataclass(frozen=True, slots=True)
class _Known:
    """A file that an earlier run took."""

    state: PhotoState


_Taken = Assessment | _Known | None
"""What is known of a line's photo; None when there is no file."""


def _known(database: Database) -> dict[tuple[str, str], _Known]:
    """Return what was taken before, by the person's number and the file's digest."""
    with database.read() as session:
        rows = session.execute(
            select(Person.number, PhotoRecord.digest, PhotoRecord.state)
            .join(Person, Person.id == PhotoRecord.person_id)
            .where(PhotoRecord.state != PhotoState.WITHDRAWN)
            .order_by(PhotoRecord.id)
        )
        return {(number, digest): _Known(PhotoState(state)) for number, digest, state in rows}


def _assessed(
    rows: list[RosterRow],
    source: PhotoSource,
    known: Mapping[tuple[str, str], _Known],
    assess_content: Callable[[bytes], Assessment],
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[RosterRow, _Taken]]:
    """Assess photos in parallel, a few ahead of the one that is stored, and yield them in order."""

    def one(row: RosterRow) -> _Taken:
        if row.photo is None:
            return None
        try:
            content = source.read(row.photo)
        except (OSError, KeyError):
            return None
        before = known.get((row.number, hashlib.sha256(content).hexdigest()))
        return before or assess_content(content)

    return in_order(rows, one, pool)


def _enrol(  # noqa: PLR0917 - what is known of one line
    session: Session,
    sealer: Sealer,
    row: RosterRow,
    taken: _Taken,
    person_id: UUID,
    identity: IdentityFindings | None,
    *,
    approve: Verdict,
    now: datetime,
) -> IntakeResult:
    if taken is None:
        why = f"the photo {row.photo} is missing" if row.photo else f"there is no photo named {row.number}"
        return _result(row, Outcome.NO_PHOTO, why, taken, person_id)
    if isinstance(taken, _Known):
        return _result(row, _OUTCOME_BEFORE[taken.state], "decided by an earlier run", taken, person_id)
    if taken.photo is None:
        return _result(row, Outcome.UNREADABLE, _advice(taken.report), taken, person_id)
    photo = photos.take_in(session, sealer, person_id, taken, by=_ACTOR, now=now)
    photo.identity = identity.to_json() if identity else None
    unusual = identity is not None and identity.unusual
    verdict = taken.report.verdict
    if verdict is Verdict.REJECT:
        failed = [result.rule for result in taken.report.failed]
        photos.reject(session, photo, failed, by=_ACTOR, now=now)
        return _result(row, Outcome.REJECTED, _advice(taken.report), taken, person_id)
    if _ORDER.index(verdict) <= _ORDER.index(approve) and not unusual:
        photos.approve(session, photo, by=_ACTOR, now=now)
        return _result(row, Outcome.ENROLLED, "", taken, person_id)
    lifecycle.step(session, photo, PhotoState.IN_REVIEW, by=_ACTOR, now=now)
    why = "the face is like another person's, or unlike this person's before. " if unusual else ""
    return _result(row, Outcome.IN_REVIEW, why + _advice(taken.report), taken, person_id)


_OUTCOME_BEFORE = {
    PhotoState.UPLOADED: Outcome.IN_REVIEW,
    PhotoState.CHECKED: Outcome.IN_REVIEW,
    PhotoState.IN_REVIEW: Outcome.IN_REVIEW,
    PhotoState.APPROVED: Outcome.ALREADY_THERE,
    PhotoState.REPLACED: Outcome.ALREADY_THERE,
    PhotoState.REJECTED: Outcome.REJECTED,
}


def _person(session: Session, row: RosterRow, now: datetime) -> UUID:
    """Return the person of a line, made when missing, brought up to date otherwise."""
    existing = people.by_number(session, row.number)
    particulars = people.Particulars(
        number=row.number,
        name=row.name,
        kind=_kind(row.kind),
        department=row.department,
        groups=row.groups,
        valid_from=existing.valid_from if existing else now,
        valid_until=existing.valid_until if existing else None,
    )
    if existing is None:
        return people.create(session, particulars, by=_ACTOR, now=now).id
    people.update(session, existing, particulars, by=_ACTOR, now=now)
    return existing.id


def _kind(name: str) -> PersonKind:
    if name not in set(PersonKind):
        raise people.InvalidPersonError(f"kind: {name!r} is none of {', '.join(PersonKind)}", field="kind")
    return PersonKind(name)


def _advice(report: QualityReport) -> str:
    return " ".join(result.finding.advice.en for result in report.failed if result.finding.advice)


def _result(row: RosterRow, outcome: Outcome, why: str, taken: _Taken, person_id: UUID | None = None) -> IntakeResult:
    report = taken.report if isinstance(taken, Assessment) else None
    return IntakeResult(row.line, row.number, row.name, row.photo, outcome, why, report, person_id)
