"""`campusgate serve`: the server."""

from typing import Annotated

import typer

from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Listen here; by default CAMPUSGATE_SERVER_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Listen here; by default CAMPUSGATE_SERVER_PORT.")
    ] = None,
) -> None:
    """Run the server: accounts, enrolment, directories, events and the pages."""
    from campusgate.settings import Settings

    with pause_collection():
        from campusgate.processes.logs import configure_logs
        from campusgate.processes.server.run import run_server

    given = {"server_host": host, "server_port": port}
    settings = Settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    configure_logs()
    run_server(settings, make_stop_event())
