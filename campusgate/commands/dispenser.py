"""`campusgate dispenser`: the process at a kiosk's card dispenser."""

import typer

from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dispenser)


def dispenser() -> None:
    """Hand out cards from the dispenser of a kiosk, as the server says, until it is stopped."""
    from campusgate.processes.dispenser import run_dispenser
    from campusgate.processes.logs import configure_logs
    from campusgate.settings import Settings

    settings = Settings()
    configure_logs()
    stop = make_stop_event()
    run_dispenser(settings, stop, lambda: typer.echo("the card dispenser is ready"))
