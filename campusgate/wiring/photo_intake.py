"""`campusgate people import` with photos: from options and settings to an intake and its report."""

from pathlib import Path
from uuid import UUID

import typer

from accounts import people
from accounts.vocabulary import Role
from campusgate.commands import CommandError, print_json
from campusgate.settings import Settings
from campusgate.terminal import progress_bar, sentence, shortened, write_lines
from campusgate.wiring.accounts import make_importer
from campusgate.wiring.database import opened
from campusgate.wiring.key_checks import WHERE_KEYS_ARE, require_same_template_key
from campusgate.wiring.photo_checker import further_engines, load_checker
from campusgate.wiring.sealer import make_sealer
from database import Database, DatabaseBusyError, SealingError
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_report import write_reports
from enrollment.intake_results import ImportReport, Outcome
from enrollment.quality import LimitsError, Verdict
from enrollment.roster import RosterError
from models.runtime import thread_count
from models.store import ModelError


def import_photos(
    source: Path, *, consented: str | None, approved_by: str | None, report_folder: Path | None, as_json: bool
) -> None:
    """Enrol everyone on the list in a folder or ZIP file; exits 1 when somebody was not enrolled.

    Raises:
        CommandError: the list, a model, a key or an option cannot be used.
    """
    settings = Settings()
    sealer = make_sealer(settings)
    with opened(settings) as database:
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
            with progress_bar("Enrolling", quiet=as_json) as advance:
                report = import_folder(
                    source,
                    database,
                    engine,
                    sealer,
                    terms=terms,
                    importer=make_importer(database, settings),
                    zone=settings.time_zone,
                    checker=checker,
                    further_engines=further_engines(settings, threads=1),
                    with_thumbnails=settings.enrollment.keep_thumbnails,
                    workers=thread_count(0),
                    progress=advance,
                )
            if report_folder is not None:
                write_reports(report, source, report_folder, workers=thread_count(0))
        except SealingError as error:
            raise CommandError(f"{error}{WHERE_KEYS_ARE}") from error
        except (LimitsError, ModelError, RosterError) as error:
            raise CommandError(str(error)) from error
        except DatabaseBusyError as error:
            raise CommandError(f"{error}: run it again, it goes on where it was") from error
        except OSError as error:
            raise CommandError(f"{error}: check the path and its permissions") from error
    _show(report, as_json=as_json)
    if report.failures:
        raise typer.Exit(1)


def _reviewer(database: Database, number: str) -> UUID:

    with database.read() as session:
        person = people.by_number(session, number)
        if person is None:
            raise CommandError(f"--approved-by {number}: there is no person with this number")
        if not person.roles & {Role.REVIEWER, Role.ADMIN}:
            raise CommandError(f"--approved-by {number}: no reviewer; campusgate people grant {number} reviewer")
        return person.id


def _show(report: ImportReport, *, as_json: bool) -> None:

    counts = {outcome.value: report.count(outcome) for outcome in Outcome}
    if as_json:
        failures = [
            {
                "line": one.line,
                "number": one.number,
                "photo": one.photo,
                "outcome": one.outcome.value,
                "failed_rules": [failure.rule for failure in one.failures],
                "why": one.why,
            }
            for one in report.failures
        ]
        print_json({"counts": counts, "failures": failures})
        return
    lines = [f"line {one.line}: {one.number}: {one.outcome}: {one.why}" for one in report.failures]
    write_lines([*shortened(lines, "--report FOLDER shows all, with their pictures"), sentence(counts)])
