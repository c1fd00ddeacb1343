"""`campusgate library`: the gateway that answers library systems who a patron is."""

import typer

from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(library)


def library() -> None:
    """Answer library systems by SIP2 who a patron is, from the server, until it is stopped."""
    from campusgate.processes.library import run_library
    from campusgate.processes.logs import configure_logs
    from campusgate.settings import Settings

    settings = Settings()
    configure_logs()
    stop = make_stop_event()
    run_library(settings, stop, lambda host, port: typer.echo(f"library systems are answered at {host}:{port}"))
