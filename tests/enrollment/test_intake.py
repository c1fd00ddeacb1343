"""Mass enrolment from a folder or a ZIP file: everyone once, whatever happens in between."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from accounts.tables import Person
from database import Database, Sealer
from enrollment import templates
from enrollment.intake import ImportReport, Outcome, import_folder
from enrollment.intake_report import write_csv, write_html
from enrollment.quality import Verdict
from enrollment.roster import FolderSource, RosterError
from enrollment.tables import PhotoRecord, TemplateRecord
from models.engine import FaceEngine

GOOD = "real_00898.jpg"


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


def _outcomes(report: ImportReport) -> dict[str, Outcome]:
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
    report = import_folder(
        intake, database, engine, sealer, progress=lambda *done: seen.append(done), approve=Verdict.REVIEW
    )
    assert _outcomes(report) == {
        "2026001": Outcome.ENROLLED,
        "2026002": Outcome.REJECTED,
        "2026003": Outcome.UNREADABLE,
        "2026004": Outcome.UNREADABLE,
        "2026005": Outcome.NO_PHOTO,
    }
    assert all(result.why for result in report.failures)
    assert seen == [(done, 5) for done in range(1, 6)]
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.number == "2026001")).one()
        assert person.groups == {"students", "dorm-3"}
        enrolled = templates.active(session, sealer, engine.model_id)
    assert list(enrolled) == [person.id]


def test_a_second_run_takes_nothing_twice(database: Database, engine: FaceEngine, sealer: Sealer, intake: Path) -> None:
    import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    before = _counts(database)
    again = import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    assert _counts(database) == before
    assert _outcomes(again)["2026001"] is Outcome.ALREADY_THERE
    assert _outcomes(again)["2026002"] is Outcome.REJECTED


def test_a_killed_run_is_finished_by_the_next(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    class KilledError(Exception):
        pass

    def kill_after_two(done: int, _all: int) -> None:
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        import_folder(intake, database, engine, sealer, progress=kill_after_two, approve=Verdict.REVIEW)
    assert _counts(database)[0] == 2
    finished = import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    assert _counts(database)[0] == 5
    assert _outcomes(finished)["2026001"] is Outcome.ALREADY_THERE
    assert _counts(database)[1] == 2


def test_a_zip_file_is_a_folder(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "intake.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in intake.rglob("*"):
            file.write(path, path.relative_to(intake))
    report = import_folder(archive, database, engine, sealer, approve=Verdict.REVIEW)
    assert _outcomes(report)["2026001"] is Outcome.ENROLLED


def test_a_new_photo_replaces_the_old_one(database: Database, engine: FaceEngine, sealer: Sealer, intake: Path) -> None:
    import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    photo = intake / "photos" / "2026001.jpg"
    Image.open(photo).save(photo, quality=85)
    again = import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    assert _outcomes(again)["2026001"] is Outcome.ENROLLED
    with database.read() as session:
        (kept,) = templates.active(session, sealer, engine.model_id).values()
    assert len(kept) == 1


def test_another_face_than_before_waits_for_a_reviewer(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, portraits: Path
) -> None:
    import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    shutil.copy(portraits / "real_00932.jpg", intake / "photos" / "2026001.jpg")
    again = import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    assert _outcomes(again)["2026001"] is Outcome.IN_REVIEW


def test_the_same_face_under_two_numbers_waits_for_a_reviewer(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path
) -> None:
    Image.open(intake / "photos" / "2026001.jpg").save(intake / "photos" / "2026005.jpg", quality=85)
    report = import_folder(intake, database, engine, sealer, approve=Verdict.REVIEW)
    assert _outcomes(report)["2026001"] is Outcome.ENROLLED
    assert _outcomes(report)["2026005"] is Outcome.IN_REVIEW


def test_the_report_shows_who_failed_and_why(
    database: Database, engine: FaceEngine, sealer: Sealer, intake: Path, tmp_path: Path
) -> None:
    (intake / "people.csv").write_text("number,name\n2026002,=cmd()\n2026003,<b>张敏</b>\n", "utf-8")
    report = import_folder(intake, database, engine, sealer)
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
        ("number;name\n1;A\n", "names no column"),
        ("number,name\n1,A\n1,B\n", "line 3: number 1 stands on line 2 already"),
        ("number,name\n1,\n", "line 2: number or name is empty"),
    ],
)
def test_a_wrong_list_imports_nothing(  # noqa: PLR0917 - fixtures and cases
    text: str, message: str, tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine
) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(RosterError, match=message):
        import_folder(tmp_path, database, engine, sealer)
    assert _counts(database) == (0, 0, 0)


def test_a_chinese_spreadsheet_is_read(tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine) -> None:
    (tmp_path / "名单.csv").write_bytes("number,name\n2026001,王芳\n".encode("gb18030"))
    import_folder(tmp_path, database, engine, sealer)
    with database.read() as session:
        assert session.scalars(select(Person.name)).one() == "王芳"


def test_a_line_that_describes_no_person_stops_nobody_else(
    tmp_path: Path, database: Database, sealer: Sealer, engine: FaceEngine
) -> None:
    (tmp_path / "list.csv").write_text("number,name,kind\n##,A,student\n2,B,student\n3,C,robot\n")
    report = import_folder(tmp_path, database, engine, sealer)
    assert _outcomes(report) == {"##": Outcome.INVALID, "2": Outcome.NO_PHOTO, "3": Outcome.INVALID}
