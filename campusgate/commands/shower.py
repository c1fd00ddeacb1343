"""`campusgate shower`: the controller of one shower."""

from pathlib import Path
from typing import Annotated

import typer

from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command `shower`."""
    app.command()(shower)


def shower(
    file: Annotated[Path, typer.Argument(help="TOML file of this shower; see docs/metering.md.")],
) -> None:
    """Keep one shower: ask the server, open the valve, count, close it, and report until the server has it."""
    from campusgate.settings import Settings

    with pause_collection():
        from campusgate.processes.logs import configure_logs
        from campusgate.processes.shower import run_shower
        from campusgate.settings.shower_file import read_shower_file

    settings, installed = Settings(), read_shower_file(file)
    configure_logs()
    run_shower(settings, installed, make_stop_event(), lambda: typer.echo(f"the shower {installed.device} is kept"))
