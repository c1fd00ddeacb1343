"""`campusgate people`: the registry's lists, photos for a new intake, roles, an administrator's first password."""

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors
from campusgate.terminal import progress_bar, sentence, shortened, write_lines

if TYPE_CHECKING:
    from accounts.people_import.importer import RowResult
    from accounts.people_import.people_list import ListedPerson, Unreadable
    from accounts.tables import Person
    from campusgate.settings import Settings
    from database import Database
    from enrollment.intake_results import IntakeReport, IntakeResult


people_commands = typer.Typer(help="People and their accounts.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    people_commands.command("import")(import_)
    people_commands.command()(add)
    people_commands.command("list")(list_)
    people_commands.command()(grant)
    people_commands.command()(password)
    app.add_typer(people_commands, name="people")


def import_(
    source: Annotated[Path, typer.Argument(help="A .csv or .json list, or a folder or .zip with a list and photos.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    consented: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE", help="Everybody on the list has signed the notice in force; where the papers are kept."
        ),
    ] = None,
    approved_by: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="The reviewer who approves photos that keep every rule; else all wait."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write report.csv and report.html with thumbnails there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring accounts to what a list says; with photos, enrol them too. Running it again changes nothing.

    Killed, it is finished by running it again. Exits 1 when a row could not be used or a photo not be enrolled; the
    others are imported.
    """
    from campusgate.settings import Settings

    if not source.exists():
        raise CommandError(f"there is no file or folder {source}: check the path")
    if source.is_dir() or source.suffix.lower() == ".zip":
        if dry_run:
            raise CommandError("--dry-run works with a list, not with photos: give the .csv or .json file")
        _import_photos(source, consented=consented, approved_by=approved_by, report_folder=report, as_json=as_json)
        return
    if consented or approved_by or report:
        raise CommandError("--consented, --approved-by and --report are for photos: give a folder or a .zip")
    settings = Settings()
    rows = _rows(source, settings)
    with open_database(settings) as database:
        results = _run(database, rows, settings, dry_run=dry_run, quiet=as_json)
    counts = _counts(results)
    if as_json:
        print_json({"dry_run": dry_run, "counts": counts, "rows": [_shown(result) for result in results]})
    else:
        _print(results, counts, dry_run=dry_run)
    if counts["invalid"]:
        raise typer.Exit(1)


def add(
    *,
    number: Annotated[str, typer.Argument(help="The number that they are known by.")],
    name: Annotated[str, typer.Argument(help="Their name.")],
    kind: Annotated[str, typer.Option(help="student, staff, visitor, …")] = "staff",
    group: Annotated[list[str] | None, typer.Option(help="A group that they are in; may be repeated.")] = None,
    department: Annotated[str, typer.Option(help="Their department.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Add one person, such as the first administrator; lists are imported."""
    from accounts import audit, people
    from accounts.people import Particulars
    from accounts.vocabulary import PersonKind
    from campusgate.settings import Settings

    try:
        known = PersonKind(kind)
    except ValueError as error:
        raise CommandError(f"--kind {kind}: choose one of {', '.join(PersonKind)}") from error
    now = datetime.now(UTC)
    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        particulars = Particulars(
            number=number,
            name=name,
            kind=known,
            department=department,
            groups=frozenset(group or ()),
            valid_from=now,
        )
        person = people.create(session, particulars, by=audit.SYSTEM, now=now)
        shown = {"id": str(person.id), "number": person.number}
    if as_json:
        print_json(shown)
    else:
        write_lines([f"{shown['number']}  {shown['id']}"])


def list_(
    search: Annotated[str | None, typer.Argument(help="The beginning of a number, or a part of a name.")] = None,
    *,
    group: Annotated[str | None, typer.Option(help="Who is in this group.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List people, in the order they were added. That somebody looked stands in the audit trail."""
    from accounts import audit, people
    from campusgate.settings import Settings

    with open_database(Settings()) as database, database.begin() as session:
        audit.record(session, actor=audit.SYSTEM, action="people.read", subject="people:list", now=datetime.now(UTC))
        shown = [
            {
                "id": str(one.id),
                "number": one.number,
                "name": one.name,
                "kind": one.kind.value,
                "state": one.state.value,
                "department": one.department,
            }
            for one in people.find(session, search=search, group=group, limit=limit)
        ]
    if as_json:
        print_json(shown)
    else:
        write_lines([f"{one['number']}  {one['name']}  {one['kind']}  {one['state']}" for one in shown])


def grant(
    number: Annotated[str, typer.Argument(help="The person's number.")],
    roles: Annotated[list[str], typer.Argument(help="Roles to have: reviewer, facilities, cashier, admin; or none.")],
) -> None:
    """Give a person exactly these roles; `none` takes every role away. Their sign-ins end, and they are told."""
    from accounts import audit, people
    from accounts.people.notices import AccountNotice
    from accounts.vocabulary import Role
    from campusgate.settings import Settings
    from enrollment import account_notices

    try:
        wanted = {Role(role) for role in roles if role != "none"}
    except ValueError as error:
        raise CommandError(f"{error}: roles are {', '.join(Role)}, or none") from error
    with open_database(Settings()) as database, database.begin() as session:
        person, now = _person(people.by_number(session, number), number), datetime.now(UTC)
        if people.set_roles(session, person, wanted, by=audit.SYSTEM, now=now):
            account_notices.write(session, person.id, AccountNotice.ROLES_CHANGED, now=now)


def password(number: Annotated[str, typer.Argument(help="The person's number.")]) -> None:
    """Set a portal password, read from the terminal or standard input; it must be changed at first use.

    The person's sign-ins end, and they are told.
    """
    from accounts import audit, passwords, people
    from accounts.passwords import WeakPasswordError
    from accounts.people import sign_ins
    from accounts.people.notices import AccountNotice
    from accounts.vocabulary import PasswordPurpose
    from campusgate.settings import Settings
    from campusgate.wiring.accounts import make_hasher
    from enrollment import account_notices

    with open_database(Settings()) as database, database.read() as session:
        _person(people.by_number(session, number), number)
    given = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not given:
        raise CommandError("no password was given: type it, or hand it over on standard input")
    try:
        passwords.require_strong(PasswordPurpose.PORTAL, given, current="", number=number)
    except WeakPasswordError as error:
        raise CommandError(error.detail or error.title) from error
    settings = Settings()
    hashed = {PasswordPurpose.PORTAL: make_hasher(settings).hash(given)}
    with open_database(settings) as database, database.begin() as session:
        person, now = _person(people.by_number(session, number), number), datetime.now(UTC)
        passwords.store(session, person.id, hashed, must_change=True, by=audit.SYSTEM, now=now)
        sign_ins.end_all(session, person.id, now=now)
        account_notices.write(session, person.id, AccountNotice.PORTAL_RESET, now=now)


def _import_photos(
    source: Path, *, consented: str | None, approved_by: str | None, report_folder: Path | None, as_json: bool
) -> None:
    from campusgate.settings import Settings
    from campusgate.wiring.photo_intake import import_photos

    settings = Settings()
    with open_database(settings) as database, progress_bar("Enrolling", quiet=as_json) as advance:
        found = import_photos(
            source,
            database,
            settings,
            consented=consented,
            approved_by=approved_by,
            report_folder=report_folder,
            progress=advance,
        )
    _print_intake(found, as_json=as_json)
    if found.failures:
        raise typer.Exit(1)


def _print_intake(found: "IntakeReport", *, as_json: bool) -> None:
    from enrollment.intake_results import IntakeOutcome

    counts = {outcome.value: found.count(outcome) for outcome in IntakeOutcome}
    if not as_json:
        lines = [f"line {one.line}: {one.number}: {one.outcome}: {one.why}" for one in found.failures]
        write_lines([*shortened(lines, "--report FOLDER shows all, with their pictures"), sentence(counts)])
        return
    print_json({"counts": counts, "failures": [_failure(one) for one in found.failures]})


def _failure(enrolled: "IntakeResult") -> dict[str, Any]:
    return {
        "line": enrolled.line,
        "number": enrolled.number,
        "photo": enrolled.photo,
        "outcome": enrolled.outcome.value,
        "failed_rules": [failure.rule for failure in enrolled.failures],
        "why": enrolled.why,
    }


def _rows(source: Path, settings: "Settings") -> "list[ListedPerson | Unreadable]":
    from accounts.people_import.people_list import read

    return read(source, settings.time_zone)


def _run(
    database: "Database",
    rows: "list[ListedPerson | Unreadable]",
    settings: "Settings",
    *,
    dry_run: bool,
    quiet: bool,
) -> "list[RowResult]":
    from campusgate.wiring.accounts import make_importer

    importer = make_importer(database, settings)
    with progress_bar("Importing people", quiet=quiet) as advance:
        return importer.run(rows, now=datetime.now(UTC), dry_run=dry_run, progress=advance)


def _person(found: "Person | None", number: str) -> "Person":
    if found is None:
        raise CommandError(f"there is no person with the number {number}")
    return found


def _counts(results: "list[RowResult]") -> dict[str, int]:
    from accounts.people_import.importer import RowOutcome

    return {outcome.value: sum(result.outcome is outcome for result in results) for outcome in RowOutcome}


def _shown(result: "RowResult") -> dict[str, Any]:
    shown = asdict(result)
    shown["differences"] = {
        name: [_plain(stored), _plain(wanted)] for name, (stored, wanted) in result.differences.items()
    }
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _print(results: "list[RowResult]", counts: dict[str, int], *, dry_run: bool) -> None:
    lines: list[str] = []
    for result in results:
        for name, (stored, wanted) in result.differences.items():
            lines.append(f"line {result.line}: {result.number}: {name}: {_plain(stored)} -> {_plain(wanted)}")
        if result.why:
            lines.append(f"line {result.line}: {result.number}: {result.why}")
    if not dry_run:
        lines = [f"line {result.line}: {result.number}: {result.why}" for result in results if result.why]
    write_lines([*shortened(lines, "--json shows all"), ("Would be: " if dry_run else "") + sentence(counts)])
