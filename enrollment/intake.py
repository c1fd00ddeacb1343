"""Mass enrolment: a list of people and their photos, in parallel, and safe to start again after a kill.

First the accounts are brought to what the list says (`accounts.people_import`). Then photos are stored, a few people in
a transaction: consent, reference, photo, decision and template of a person are there together or not at all. A file
that was taken for a person before is not taken again, so a second run only does what the first one left.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from accounts import audit, people
from accounts.people_import.importer import Importer, RowOutcome
from accounts.people_import.people_list import ListedPerson
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from database import Database, DatabaseBusyError, Sealer
from enrollment import consent, decisions, notices, photos, references, upload
from enrollment.assessment import Assessment, Engine
from enrollment.compared_model import ComparedModel
from enrollment.intake_measure import Measured, Measurer, Standing, Terms
from enrollment.intake_results import OUTCOME_NOW, Failure, IntakeOutcome, IntakeReport, IntakeResult, read_failures
from enrollment.parallel_map import map_in_order
from enrollment.quality import Checker, Verdict
from enrollment.references import ReferenceSource
from enrollment.roster import RosterRow, open_source, read_roster
from enrollment.tables import PhotoState
from models.template import Template
from web.problems import ProblemError

log = structlog.get_logger()

_ACTOR = "import"
_ORDER = (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT)
_SAME_FILE = 0.999
"""Similarity of a reference with itself, as it was sealed."""
_TOGETHER = 4
"""People stored in one transaction: a quarter of the waits for the disk, and other writers hardly wait longer."""
_TRIES = 10
"""A running server may hold an SQLite database for a moment."""

Line = tuple[RosterRow, Measured]
"""A line of the list, and what was found of it."""
Progress = Callable[[int, int], None]
"""Called with the number of lines done and of all lines."""


def import_folder(
    folder: Path,
    database: Database,
    engine: Engine,
    sealer: Sealer,
    *,
    terms: Terms,
    importer: Importer,
    zone: ZoneInfo,
    checker: Checker | None = None,
    further_engines: Sequence[Engine] = (),
    with_thumbnails: bool = True,
    workers: int = 2,
    progress: Progress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> IntakeReport:
    """Enrol everyone on the list in `folder` (a folder or a ZIP file), `workers` photos at a time.

    Raises:
        enrollment.roster.RosterError: the list itself cannot be used; nothing was imported.
        database.SealingError: templates lie under a key that is not configured.
    """
    with open_source(folder) as source, ThreadPoolExecutor(workers, thread_name_prefix="intake") as pool:
        rows = read_roster(source, zone)
        refused = _import_accounts(database, importer, rows, now())
        with database.read() as session:
            standing = Standing.read(session, terms.consent_version)
        measurer = Measurer(
            source=source,
            engine=engine,
            further_engines=further_engines,
            checker=checker or Checker(engine),
            terms=terms,
            standing=standing,
        )
        intake = _Intake(
            measurer=measurer,
            database=database,
            sealer=sealer,
            models=tuple(ComparedModel.of(one, sealer) for one in (engine, *further_engines)),
            with_thumbnails=with_thumbnails,
            now=now,
        )
        report = IntakeReport()
        ahead = map_in_order(rows, lambda row: measurer.measure(row, refused.get(row.number)), pool)
        with closing(ahead):
            while lines := list(islice(ahead, _TOGETHER)):
                for result in intake.store(lines):
                    report.results.append(result)
                    if progress:
                        progress(len(report.results), len(rows))
    log.info("intake_done", lines=len(rows), enrolled=report.count(IntakeOutcome.ENROLLED), failed=len(report.failures))
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intake:
    """One run. Lines are stored in the order of the list."""

    measurer: Measurer
    database: Database
    sealer: Sealer
    models: Sequence[ComparedModel]
    with_thumbnails: bool
    now: Callable[[], datetime]

    def store(self, lines: Sequence[Line]) -> list[IntakeResult]:
        """Write what becomes of `lines`, in one transaction, or, when one of them cannot be, each in one of its own."""
        for tries in range(1, _TRIES + 1):
            try:
                with self.database.begin() as session:
                    there = _lock_people(session, [row.number for row, _ in lines])
                    return [self._store(session, there.get(row.number), row, measured) for row, measured in lines]
            except ProblemError as error:
                if len(lines) > 1:
                    return [result for line in lines for result in self.store([line])]
                return [
                    replace(_begin_result(*lines[0]), outcome=IntakeOutcome.INVALID, why=error.detail or error.title)
                ]
            except DatabaseBusyError:
                if tries == _TRIES:
                    raise
        raise AssertionError

    def _store(self, session: Session, person: Person | None, row: RosterRow, measured: Measured) -> IntakeResult:
        now, result = self.now(), _begin_result(row, measured)
        if measured.outcome is IntakeOutcome.INVALID:
            return result
        if person is None:
            raise people.AccountNotUsableError("the account was removed")
        if (standing := people.standing(person, now)) in {"closed", "expired"}:
            raise people.AccountNotUsableError(f"the account is {standing}")
        result = replace(result, person_id=person.id)
        if self.measurer.consents(row):
            self._record_consent(session, row, person.id, now)
        if measured.assessment is None:
            # The report of the last run is the whole one: what an earlier run found is in it.
            before = photos.find_by_digest(session, person.id, measured.digest)
            failed = before is not None and measured.outcome is not IntakeOutcome.ALREADY_THERE
            return replace(result, failures=read_failures(before.report)) if before and failed else result
        if measured.reference:
            self._put_reference(session, person.id, measured.reference, now)
        if measured.assessment.photo is None:
            failures = read_failures(measured.assessment.report.to_json())
            return replace(
                result, outcome=IntakeOutcome.UNREADABLE, failures=failures, why=_explain(failures, measured.why)
            )
        return self._store_photo(session, person.id, measured.assessment, replace(result, why=measured.why), now)

    def _store_photo(
        self, session: Session, person_id: UUID, assessment: Assessment, result: IntakeResult, now: datetime
    ) -> IntakeResult:
        identity = upload.identify(session, self.sealer, person_id, assessment.templates, models=self.models)
        photo = upload.store(
            session,
            self.sealer,
            person_id,
            assessment,
            identity,
            by=_ACTOR,
            now=now,
            uploaded_by=None,
            with_thumbnail=self.with_thumbnails,
        )
        unusual = identity is not None and identity.unusual
        if photo.state == PhotoState.IN_REVIEW and not unusual and self._may_approve(person_id, assessment):
            approver = self.measurer.terms.approver
            actor = audit.person_actor(approver) if approver else _ACTOR
            decisions.approve(session, photo, by=actor, now=now, decided_by=approver)
            notices.write_decision_notice(session, photo, now=now)
        failures = read_failures(photo.report)
        if photo.state == PhotoState.IN_REVIEW and not failures and not result.why:
            result = replace(result, why="waits for a reviewer")
        why = "the face is like another person's, or unlike this person's before" if unusual else result.why
        return replace(
            result, outcome=OUTCOME_NOW[PhotoState(photo.state)], failures=failures, why=_explain(failures, why)
        )

    def _may_approve(self, person_id: UUID, assessment: Assessment) -> bool:
        worst = self.measurer.terms.approve
        if worst is None or person_id == self.measurer.terms.approver or not assessment.templates:
            return False
        return _ORDER.index(assessment.report.verdict) <= _ORDER.index(worst)

    def _record_consent(self, session: Session, row: RosterRow, person_id: UUID, now: datetime) -> None:
        version = self.measurer.terms.consent_version
        evidence = {"channel": _ACTOR, "line": row.line, "kept": self.measurer.terms.consent_evidence or "the list"}
        consent.give(session, person_id, version, evidence, present=version, by=_ACTOR, now=now)

    def _put_reference(self, session: Session, person_id: UUID, made: Sequence[Template], now: datetime) -> None:
        if references.has_match(session, self.sealer, person_id, made, least=_SAME_FILE):
            return
        references.put(
            session,
            self.sealer,
            person_id,
            made,
            ReferenceSource.ADMISSION,
            engine=self.measurer.engine,
            consent_version=self.measurer.terms.consent_version,
            by=_ACTOR,
            now=now,
        )


def _begin_result(row: RosterRow, measured: Measured) -> IntakeResult:
    """Return what is known of a line before anything of it is stored."""
    outcome = measured.outcome or IntakeOutcome.INVALID
    return IntakeResult(row.line, row.number, row.name, row.photo, outcome, measured.why)


def _lock_people(session: Session, numbers: Sequence[str]) -> dict[str, Person]:
    """Return the people with these numbers, locked against other writers; their groups and roles are not asked for."""
    query = select(Person).where(Person.number.in_(numbers)).order_by(Person.id).with_for_update()
    return {person.number: person for person in session.scalars(query.options(lazyload("*")))}


def _import_accounts(
    database: Database, importer: Importer, rows: Sequence[RosterRow], now: datetime
) -> dict[str, str]:
    """Bring the accounts to what the list says; return why a line describes no person, by number."""
    with database.read() as session:
        there = people.by_numbers(session, [row.number for row in rows])
    listed = []
    for row in rows:
        person = row.listed
        if isinstance(person, ListedPerson) and row.number not in there:
            # An intake is one of students, unless it says otherwise.
            person = replace(person, given={"kind": PersonKind.STUDENT, **person.given})
        listed.append(person)
    results = importer.run(listed, now=now)
    return {one.number: one.why for one in results if one.outcome is RowOutcome.INVALID}


def _explain(failures: Sequence[Failure], why: str) -> str:
    # Two rules may give the same advice.
    advice = " ".join(dict.fromkeys(failure.en for failure in failures if failure.en))
    return ". ".join(part for part in (why, advice) if part)
