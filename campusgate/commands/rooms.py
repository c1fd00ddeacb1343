"""`campusgate rooms`: the dormitory office's lists of rooms and of who lives in them."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from campusgate.commands import CommandError, open_database, print_json
from campusgate.terminal import sentence, write_lines

_LIST = typer.Argument(help="A .csv list, as spreadsheets save it.")
_DRY_RUN = typer.Option("--dry-run", help="Only show what would change.")
_JSON = typer.Option("--json", help="Print one JSON object.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rooms = typer.Typer(help="Rooms, and who lives in them.", no_args_is_help=True)
    rooms.command("import")(import_)
    rooms.command()(residents)
    app.add_typer(rooms, name="rooms")


def import_(
    source: Annotated[Path, _LIST],
    *,
    dry_run: Annotated[bool, _DRY_RUN] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Add the rooms of a list (`building`, `room`, `beds`) that are missing. Exits 1 when a line describes no room."""
    from accounts.people_import.list_table import ListTableError
    from campusgate.settings import Settings
    from metering.rooms import room_list

    try:
        rows, unreadable = room_list.parse(_read(source))
    except ListTableError as error:
        raise CommandError(f"{source}: {error}") from error
    with open_database(Settings()) as database:
        added = room_list.add_missing(database, rows, dry_run=dry_run, now=datetime.now(UTC))
    counts = {"added": len(added), "unchanged": len(rows) - len(added), "unreadable": len(unreadable)}
    if as_json:
        print_json({"dry_run": dry_run, "counts": counts, "unreadable": unreadable})
    else:
        write_lines([*(f"line {line}: describes no room" for line in unreadable), sentence(counts)])
    if unreadable:
        raise typer.Exit(1)


def residents(
    source: Annotated[Path, _LIST],
    *,
    dry_run: Annotated[bool, _DRY_RUN] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Bring who lives where to what a list (`number`, `building`, `room`, `day`) says; again, it changes nothing.

    Exits 1 when a row could not be used; the others are.
    """
    from accounts import audit
    from accounts.people_import.list_table import ListTableError
    from campusgate.settings import Settings
    from metering.billing.moves import leave_listed
    from metering.rooms import resident_list

    try:
        rows, unreadable = resident_list.parse(_read(source))
    except ListTableError as error:
        raise CommandError(f"{source}: {error}") from error
    settings = Settings()
    with open_database(settings) as database:
        now = datetime.now(UTC)
        leave = partial(leave_listed, zone=settings.time_zone, staff=None, now=now)
        done = resident_list.apply(database, rows, leave, by=audit.SYSTEM, dry_run=dry_run, now=now)
    results = sorted([*unreadable, *done], key=lambda one: one.line)
    refused = [one for one in results if one.why is not None]
    counts = Counter(one.outcome.value for one in results)
    if as_json:
        shown = [{"line": one.line, "outcome": one.outcome.value, "why": one.why} for one in results]
        print_json({"dry_run": dry_run, "counts": counts, "rows": shown})
    else:
        write_lines([*(f"line {one.line}: {one.why}" for one in refused), sentence(counts)])
    if refused:
        raise typer.Exit(1)


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise CommandError(f"{source} cannot be read ({error.strerror}): check the path") from error
