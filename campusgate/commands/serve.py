"""`campusgate serve`: the server."""

import typer

from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event
from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve() -> None:
    """Run the server: accounts, enrolment, directories, events and the pages."""
    with pause_collection():
        from campusgate.processes.logs import configure_logs
        from campusgate.processes.server.run import run_server

    settings = Settings()
    configure_logs()
    run_server(settings, make_stop_event())
