"""An intake of people with their photos, by the campus's settings."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from accounts import people
from accounts.vocabulary import Role
from campusgate.settings import Settings
from campusgate.wiring.accounts import make_importer
from campusgate.wiring.key_checks import WHERE_KEYS_ARE, require_same_template_key
from campusgate.wiring.photo_checker import load_checker, load_further_engines
from campusgate.wiring.sealer import make_sealer
from database import Database, DatabaseBusyError, SealingError
from directory.gate_models import read_used_models
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_report import write_reports
from enrollment.intake_results import IntakeReport
from enrollment.quality import Verdict
from errors import OperatorError
from models.runtime import thread_count


def import_photos(
    source: Path,
    database: Database,
    settings: Settings,
    *,
    consented: str | None,
    approved_by: str | None,
    report_folder: Path | None,
    progress: Callable[[int, int], None],
) -> IntakeReport:
    """Enrol everyone on the list in a folder or ZIP file.

    Args:
        source: the folder or ZIP file.
        database: the campus's.
        settings: of the campus.
        consented: where the papers are by which everybody on the list has consented.
        approved_by: the number of the reviewer who approves photos that keep every rule; without one, all wait.
        report_folder: where `report.csv` and `report.html` are written.
        progress: called with the number of people done and of all.

    Raises:
        OperatorError: the list, a model, a key or an option cannot be used.
    """
    sealer = make_sealer(settings)
    require_same_template_key(database, settings)
    reviewer = _reviewer(database, approved_by) if approved_by else None
    terms = Terms(
        settings.enrollment.consent_version,
        consent_evidence=consented,
        approve=Verdict.ACCEPT if reviewer else None,
        approver=reviewer,
    )
    try:
        # Several photos at once, each by one thread, fill the cores better than one photo by all of them.
        engine, checker = load_checker(settings, threads=1)
        report = import_folder(
            source,
            database,
            engine,
            sealer,
            terms=terms,
            importer=make_importer(database, settings),
            zone=settings.time_zone,
            checker=checker,
            further_engines=load_further_engines(settings, read_used_models(database), threads=1),
            with_thumbnails=settings.enrollment.keep_thumbnails,
            workers=thread_count(0),
            progress=progress,
        )
        if report_folder is not None:
            write_reports(report, source, report_folder, workers=thread_count(0))
    except SealingError as error:
        raise OperatorError(f"{error}{WHERE_KEYS_ARE}") from error
    except DatabaseBusyError as error:
        raise OperatorError(f"{error}: run it again, it goes on where it was") from error
    except OSError as error:
        raise OperatorError(f"{error}: check the path and its permissions") from error
    return report


def _reviewer(database: Database, number: str) -> UUID:
    with database.read() as session:
        person = people.by_number(session, number)
        if person is None:
            raise OperatorError(f"--approved-by {number}: there is no person with this number")
        if not person.roles & {Role.REVIEWER, Role.ADMIN}:
            raise OperatorError(f"--approved-by {number}: no reviewer; campusgate people grant {number} reviewer")
        return person.id
