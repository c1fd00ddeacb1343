"""`campusgate clock`: whether the server's clock is believed, and an administrator's word that it is right."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from campusgate.commands import open_database, print_json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    clock = typer.Typer(
        help="The server's clock, by which photos are erased and days are closed.", no_args_is_help=True
    )
    clock.command()(show)
    clock.command()(confirm)
    app.add_typer(clock, name="clock")


def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the time on record and this machine's time."""
    from campusgate.settings import Settings
    from operations import clock_guard

    with open_database(Settings()) as database, database.read() as session:
        found = clock_guard.on_record(session)
    believed_at, confirmed_at = found or (None, None)
    now = datetime.now(UTC)
    if as_json:
        print_json({"now": now, "believed_at": believed_at, "confirmed_at": confirmed_at})
        return
    sys.stdout.write(f"now           {now}\nlast believed {believed_at or '-'}\nconfirmed     {confirmed_at or '-'}\n")


def confirm() -> None:
    """Say that this machine's time is right now, after a look at another clock.

    The server then goes on erasing and closing by it. What was erased by a wrong time cannot be brought back.
    """
    from accounts import audit
    from campusgate.settings import Settings
    from operations import clock_guard

    now = datetime.now(UTC)
    with open_database(Settings()) as database, database.begin() as session:
        clock_guard.confirm(session, by=audit.SYSTEM, now=now)
    sys.stdout.write(f"confirmed: it is {now:%Y-%m-%d %H:%M:%S} UTC\n")
