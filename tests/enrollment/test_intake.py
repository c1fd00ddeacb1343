"""Mass enrolment from a folder or a ZIP file: everyone once, whatever happens in between."""

import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from accounts.passwords.first import FirstPasswords
from accounts.people_import.importer import Importer
from accounts.tables import AuditEntry, Person
from accounts.vocabulary import PersonKind
from database import Database, Sealer
from enrollment import consent, templates
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_report import HTML_NAME, write_csv, write_html, write_reports
from enrollment.intake_results import IntakeOutcome, IntakeReport
from enrollment.quality import Verdict
from enrollment.roster import FolderSource, RosterError
from enrollment.tables import Notice, PhotoRecord, TemplateRecord
from models.engine import FaceEngine
from tests.accounts.conftest import CHEAP_HASHER
from tests.databases import ON_BOTH, ON_SQLITE
from tests.enrollment.conftest import NOW

pytestmark = ON_SQLITE


GOOD = "real_00898.jpg"
TERMS = Terms("1", "on paper", approve=Verdict.REVIEW)


@pytest.fixture
def intake(tmp_path: Path, portraits: Path) -> Path:
    """Five people: a good photo, a grey one, a text file, a damaged one, none."""
    folder = tmp_path / "intake"
    (folder / "photos").mkdir(parents=True)
    shutil.copy(portraits / GOOD, folder / "photos" / "2026001.jpg")
    grey = np.asarray(Image.open(portraits / "real_00932.jpg").convert("L"))
    Image.fromarray(grey).save(folder / "photos" / "2026002.png")
    (folder / "photos" / "2026003.jpg").write_text("no photo")
    (folder / "photos" / "2026004.jpg").write_bytes((portraits / GOOD).read_bytes()[:9000])
    (folder / "people.csv").write_text(
        "number,name,groups\n"
        "2026001,王芳,students;dorm-3\n2026002,李伟,students\n2026003,张敏,\n2026004,刘洋,\n2026005,陈静,students\n",
        "utf-8-sig",
    )
    return folder


def _import(
    folder: Path, database: Database, engine: FaceEngine, sealer: Sealer, terms: Terms = TERMS, **options: Any
) -> IntakeReport:
    importer = Importer(database, CHEAP_HASHER, FirstPasswords("Campus@#"), "test")
    zone = ZoneInfo("Asia/Shanghai")
    return import_folder(folder, database, engine, sealer, terms=terms, importer=importer, zone=zone, **options)


def _outcomes(report: IntakeReport) -> dict[str, IntakeOutcome]:
    return {result.number: result.outcome for result in report.results}


def _counts(database: Database) -> tuple[int, int, int]:
    with database.read() as session:
        people, photos, vectors = (
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Person, PhotoRecord, TemplateRecord)
        )
    return people, photos, vectors


def test_everyone_is_taken_and_every_failure_says_why(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    seen: list[tuple[int, int]] = []
    report = _import(intake, database, engine, sealer, progress=lambda *done: seen.append(done))
    assert _outcomes(report) == {
        "2026001": IntakeOutcome.ENROLLED,
        "2026002": IntakeOutcome.REJECTED,
        "2026003": IntakeOutcome.UNREADABLE,
        "2026004": IntakeOutcome.UNREADABLE,
        "2026005": IntakeOutcome.NO_PHOTO,
    }
    assert all(result.why for result in report.failures)
    assert seen == [(done, 5) for done in range(1, 6)]
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.number == "2026001")).one()
        assert person.groups == {"students", "dorm-3"}
        enrolled = templates.load_active(session, sealer, engine.model_id)
    assert list(enrolled) == [person.id]


def test_a_second_run_takes_nothing_twice(database: Database, engine: FaceEngine, sealer: Sealer, intake: Path) -> None:
    _import(intake, database, engine, sealer)
    before = _counts(database)
    again = _import(intake, database, engine, sealer)
    assert _counts(database) == before
    assert _outcomes(again)["2026001"] is IntakeOutcome.ALREADY_THERE
    assert _outcomes(again)["2026002"] is IntakeOutcome.REJECTED


class KilledError(Exception):
    """Whatever ends a run in the middle of storing."""


class DyingSealer(Sealer):
    """Seals so many values, and then ends the run."""

    left = 4

    def seal(self, plain: bytes, context: bytes) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return super().seal(plain, context)


@ON_BOTH
def test_a_run_killed_in_a_transaction_is_finished_by_the_next(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    with pytest.raises(KilledError):
        _import(intake, database, engine, DyingSealer(bytes(32)))
    assert _counts(database) == (5, 0, 0), "who was stored together is not there either"
    finished = _import(intake, database, engine, sealer)
    assert _counts(database) == (5, 2, 1)
    assert _outcomes(finished)["2026001"] is IntakeOutcome.ENROLLED


def test_one_who_cannot_be_stored_keeps_nobody_else_out(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    people = intake / "people.csv"
    lines = people.read_text("utf-8-sig").splitlines()
    ends = ["valid_until", "", "2027-07-01", "", "", ""]
    people.write_text("\n".join(f"{line},{end}" for line, end in zip(lines, ends, strict=True)), "utf-8")
    photos = (intake / "photos").rename(intake.parent / "later")
    _import(intake, database, engine, sealer, now=lambda: NOW)
    photos.rename(intake / "photos")
    report = _import(intake, database, engine, sealer, now=lambda: NOW + timedelta(days=700))
    assert [one.outcome for one in report.results[:2]] == [IntakeOutcome.ENROLLED, IntakeOutcome.INVALID]
    assert "expired" in report.results[1].why
    assert _counts(database) == (5, 1, 1)


def test_a_zip_file_is_a_folder(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "intake.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in intake.rglob("*"):
            file.write(path, path.relative_to(intake))
    report = _import(archive, database, engine, sealer)
    assert _outcomes(report)["2026001"] is IntakeOutcome.ENROLLED


def test_a_new_photo_replaces_the_old_one(database: Database, engine: FaceEngine, sealer: Sealer, intake: Path) -> None:
    _import(intake, database, engine, sealer)
    photo = intake / "photos" / "2026001.jpg"
    Image.open(photo).save(photo, quality=85)
    again = _import(intake, database, engine, sealer)
    assert _outcomes(again)["2026001"] is IntakeOutcome.ENROLLED
    with database.read() as session:
        (kept,) = templates.load_active(session, sealer, engine.model_id).values()
    assert len(kept) == 1


def test_another_face_than_before_waits_for_a_reviewer(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, portraits: Path
) -> None:
    _import(intake, database, engine, sealer)
    shutil.copy(portraits / "real_00932.jpg", intake / "photos" / "2026001.jpg")
    again = _import(intake, database, engine, sealer)
    assert _outcomes(again)["2026001"] is IntakeOutcome.IN_REVIEW


def test_the_same_face_under_two_numbers_waits_for_a_reviewer(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    Image.open(intake / "photos" / "2026001.jpg").save(intake / "photos" / "2026005.jpg", quality=85)
    report = _import(intake, database, engine, sealer)
    assert _outcomes(report)["2026001"] is IntakeOutcome.ENROLLED
    assert _outcomes(report)["2026005"] is IntakeOutcome.IN_REVIEW


def test_the_report_shows_who_failed_and_why(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, tmp_path: Path
) -> None:
    (intake / "people.csv").write_text("number,name\n2026002,=cmd()\n2026003,<b>张敏</b>\n", "utf-8")
    report = _import(intake, database, engine, sealer)
    write_csv(report, tmp_path / "report.csv")
    write_html(report, FolderSource(intake), tmp_path / "report.html")
    lines = (tmp_path / "report.csv").read_text("utf-8-sig").splitlines()
    assert lines[1].startswith("2,2026002,'=cmd(),photos/2026002.png,rejected,"), "no formula runs in a spreadsheet"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "&lt;b&gt;张敏" in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "彩色" in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number|name\n1|A\n", "names no column"),
        ("number,name\n1,A\n1,B\n", "line 3: number 1 stands on line 2 already"),
        ("number,name\n1,\n", "line 2: number or name is empty"),
    ],
)
def test_a_wrong_list_imports_nothing(  # noqa: PLR0917 - fixtures and cases
    text: str, message: str, tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine
) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(RosterError, match=message):
        _import(tmp_path, database, engine, sealer)
    assert _counts(database) == (0, 0, 0)


def test_a_chinese_spreadsheet_is_read(tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine) -> None:
    (tmp_path / "名单.csv").write_bytes("number,name\n2026001,王芳\n".encode("gb18030"))
    _import(tmp_path, database, engine, sealer)
    with database.read() as session:
        assert session.scalars(select(Person.name)).one() == "王芳"


def test_a_line_that_describes_no_person_stops_nobody_else(
    tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine
) -> None:
    (tmp_path / "list.csv").write_text("number,name,kind\n##,A,student\n2,B,student\n3,C,robot\n")
    report = _import(tmp_path, database, engine, sealer)
    assert _outcomes(report) == {"##": IntakeOutcome.INVALID, "2": IntakeOutcome.NO_PHOTO, "3": IntakeOutcome.INVALID}


def test_without_consent_no_photo_is_opened_and_a_withdrawn_one_is_not_given_again_by_a_list(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    asked = Terms("2", approve=Verdict.REVIEW)
    report = _import(intake, database, engine, sealer, asked)
    assert {one.outcome for one in report.results} == {IntakeOutcome.NO_CONSENT, IntakeOutcome.NO_PHOTO}
    assert _counts(database) == (5, 0, 0)

    lines = (intake / "people.csv").read_text("utf-8-sig").splitlines()
    signed = [f"{lines[0]},consent", f"{lines[1]},2", *(f"{line},1" for line in lines[2:])]
    (intake / "people.csv").write_text("\n".join(signed), "utf-8")
    report = _import(intake, database, engine, sealer, asked)
    assert _outcomes(report)["2026001"] is IntakeOutcome.ENROLLED
    assert _outcomes(report)["2026002"] is IntakeOutcome.NO_CONSENT, "signed an older notice"
    with database.begin() as session:
        person = session.scalars(select(Person).where(Person.number == "2026001")).one()
        (given,) = consent.find_all(session, person.id)
        assert given.evidence == {"channel": "import", "line": 2, "kept": "the list"}
        consent.withdraw(session, person.id, by="test", now=NOW)
    again = _import(intake, database, engine, sealer, Terms("2", "on paper", approve=Verdict.REVIEW))
    assert _outcomes(again)["2026001"] is IntakeOutcome.NO_CONSENT
    assert "withdrawn" in again.results[0].why


@ON_BOTH
def test_photos_wait_for_a_reviewer_unless_one_stands_for_them(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, add_person: Callable[[str], UUID]
) -> None:
    waiting = _import(intake, database, engine, sealer, Terms("1", "on paper"))
    assert _outcomes(waiting)["2026001"] is IntakeOutcome.IN_REVIEW
    reviewer = add_person("R1")
    photo = intake / "photos" / "2026001.jpg"
    Image.open(photo).save(photo, quality=94)
    standing = Terms("1", "on paper", approve=Verdict.REVIEW, approver=reviewer)
    assert _outcomes(_import(intake, database, engine, sealer, standing))["2026001"] is IntakeOutcome.ENROLLED
    with database.read() as session:
        decided = session.scalars(select(PhotoRecord).where(PhotoRecord.decided_by == reviewer)).one()
        told = session.scalars(select(Notice.kind).where(Notice.person_id == decided.person_id)).all()
    assert told == ["photo_approved"]
    (intake / "people.csv").write_text("number,name\nR1,Somebody\n")
    shutil.copy(photo, intake / "photos" / "R1.jpg")
    photo.unlink()
    own = _import(intake, database, engine, sealer, standing)
    assert _outcomes(own)["R1"] is IntakeOutcome.IN_REVIEW, "nobody approves their own"


def test_a_list_brings_references_along(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, portraits: Path
) -> None:
    (intake / "references").mkdir()
    shutil.copy(portraits / "real_00932.jpg", intake / "references" / "2026001.jpg")
    report = _import(intake, database, engine, sealer)
    assert _outcomes(report)["2026001"] is IntakeOutcome.IN_REVIEW, "the photo is unlike the reference"
    photo = intake / "photos" / "2026001.jpg"
    Image.open(photo).save(photo, quality=94)
    _import(intake, database, engine, sealer)
    with database.read() as session:
        kept = session.scalars(select(TemplateRecord).where(TemplateRecord.source == "admission")).all()
        puts = session.scalars(select(AuditEntry).where(AuditEntry.action == "reference.put")).all()
    assert len(kept) == len(puts) == 1, "the same reference is not taken twice"


def test_what_a_list_does_not_say_stays_as_it_is(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, add_person: Callable[[str], UUID]
) -> None:
    add_person("2026001")
    (intake / "people.csv").write_text("number,name\n2026001,王芳\n2026002,李伟\n", "utf-8")
    _import(intake, database, engine, sealer)
    with database.read() as session:
        old, new = session.scalars(select(Person).order_by(Person.number))
    assert (old.name, old.department) == ("王芳", "Physics")
    assert new.kind is PersonKind.STUDENT


def test_a_list_leads_to_no_file_outside_its_folder(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, portraits: Path
) -> None:
    shutil.copy(portraits / GOOD, intake.parent / "secret.jpg")
    (intake / "people.csv").write_text("number,name,photo\n2026001,A,../secret.jpg\n")
    assert _outcomes(_import(intake, database, engine, sealer)) == {"2026001": IntakeOutcome.NO_PHOTO}


def test_the_last_runs_report_holds_what_the_first_one_found(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, tmp_path: Path
) -> None:
    _import(intake, database, engine, sealer)
    write_reports(_import(intake, database, engine, sealer), intake, tmp_path / "report")
    assert "彩色" in (tmp_path / "report" / HTML_NAME).read_text("utf-8")
    assert (tmp_path / "report").stat().st_mode & 0o077 == 0
